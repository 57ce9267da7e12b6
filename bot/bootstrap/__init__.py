"""The one place where objects are made and handed to each other: each module stands on the one before.

foundation, ways_out, watch, outreach, front, application.
"""

from bot.bootstrap.application import Application

__all__ = ["Application"]
