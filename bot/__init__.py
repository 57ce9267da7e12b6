"""The product: webhooks, worker and console. The folders are features; bootstrap.py joins them."""
