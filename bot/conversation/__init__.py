"""What has been said: inbound messages with their stored replies, and what a conversation remembers."""
