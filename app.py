"""create_app(): the Flask application that gunicorn serves and the Flask CLI finds."""

import gc
import os
import sys
from pathlib import Path

from flask import Flask

from bot.bootstrap import Application
from bot.cli.run import serve_all
from bot.clock import Clock, ShiftedClock, SystemClock
from bot.configuration import load_settings
from bot.development import with_development_secrets
from bot.errors import UserFacingError
from bot.logs import configure_logs
from bot.web import create_web, give_memory_back
from knowledge.loader import KnowledgeError

ROOT = Path(__file__).resolve().parent


def create_application() -> Application:
    """The application as config.yaml and the environment say. Raises UserFacingError with every fault."""
    settings = load_settings(Path(os.environ.get("LIXIAO_CONFIG", ROOT / "config.yaml")), os.environ)
    folder = Path(os.environ.get("LIXIAO_VAR", ROOT / "var"))
    simulated = settings.simulated
    if settings.server.mode == "development":
        settings = with_development_secrets(settings, folder)
    clock: Clock = ShiftedClock(folder / "clock.json") if simulated else SystemClock()
    return Application(settings=settings, clock=clock, root=ROOT, folder=folder, simulated=simulated)


def create_app() -> Flask:
    """The web application. A fault of the configuration ends the process with a message that says what to mend."""
    try:
        return _make_web(create_application())
    except (UserFacingError, KnowledgeError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - logs may not be configured yet
        sys.exit(3)


def main() -> int:
    """`python app.py` is `flask serve` that says what takes long before it takes long."""
    try:
        return serve_all(create_application(), _make_web)
    except (UserFacingError, KnowledgeError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - logs are the processes' own
        return 3


def _make_web(application: Application) -> Flask:
    configure_logs(application.settings.server.log_level)
    gc.disable()  # what is read now stays: looking for garbage in it costs a fifth of the time
    app = create_web(application)
    gc.enable()
    give_memory_back()
    return app


if __name__ == "__main__":
    sys.exit(main())
