"""教职工: who they are, in which role, for which college, and how each is reached."""
