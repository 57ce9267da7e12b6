"""The contract between the product and the ways to reach people: messages in, messages out, what went wrong."""
