"""The application behind the command that runs, and how its errors are shown."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from flask import current_app
from sqlalchemy.exc import OperationalError, ProgrammingError

from bot.bootstrap import Application
from bot.errors import UserFacingError

P = ParamSpec("P")
R = TypeVar("R")


def current_application() -> Application:
    """The application that create_web was given."""
    application: Application = current_app.extensions["lixiao"]
    return application


def shown_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Errors that the person at the command line can mend become one message and exit code 1."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except UserFacingError as error:
            raise click.ClickException(str(error)) from None
        except (OperationalError, ProgrammingError) as error:
            cause = str(error.orig).strip().splitlines()[0] if error.orig else type(error).__name__
            raise click.ClickException(f"数据库不可用：{cause}\n还没有建表的话，先运行 flask db upgrade") from None

    return wrapper
