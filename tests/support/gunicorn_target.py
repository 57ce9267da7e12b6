"""create_app() for a real gunicorn in tests: the product's web side with the accounts of the tests, on a database."""

import os
from pathlib import Path

from flask import Flask
from support.world import ROOT, settings_for

from bot.bootstrap import Application
from bot.clock import SystemClock
from bot.migrations import upgrade
from bot.web import create_web


def create_app() -> Flask:
    """Files and database are in the folder that LIXIAO_TEST_FOLDER names."""
    folder = Path(os.environ["LIXIAO_TEST_FOLDER"])
    settings = settings_for(f"sqlite:///{folder / 'gunicorn.db'}", "http://127.0.0.1:9").with_values(
        wechat={"mode": "compatible"}
    )
    application = Application(settings=settings, clock=SystemClock(), root=ROOT, folder=folder)
    upgrade(application.database, ROOT)
    return create_web(application)
