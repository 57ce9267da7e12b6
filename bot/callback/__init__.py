"""How WeChat and WeCom call us: signatures, sealing and XML, the same for both. What was said is the adapters' work."""
