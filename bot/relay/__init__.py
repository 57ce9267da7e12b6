"""Other ways to reach staff, for when the first one fails: group robots."""
