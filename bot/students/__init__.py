"""Who writes to us, what the platform still lets us send them, and what they unsubscribed from."""
