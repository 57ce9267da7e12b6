"""What students and staff can say: one file a capability. ROUTERS (routers.py) gives their order."""
