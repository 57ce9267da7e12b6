"""群发: what is said to many, to whom, and by which way the platform still allows."""
