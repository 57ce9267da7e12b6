"""The way of a message: replay, distress, takeover, limits, routers, in one transaction."""
