"""警报: an alert is stored with the message that raised it, and chases people until one of them takes it."""
