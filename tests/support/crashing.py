"""Processes that kill themselves: a web server or a worker that dies by SIGKILL at a chosen point of its work.

Each is given a plan: database, platform, port, folder, and at: the number of the SQL statement, counted from the
first message or claim, before which the process dies; or "reply" (after the work, before the answer leaves), "send"
(before a send) or "sent" (after a send, before it is stored). Without `at` the process lives. See support/forked.py.
"""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event
from support.world import settings_for
from werkzeug.serving import make_server

from bot.bootstrap import Application
from bot.channel.channel import Channel, Receipt
from bot.channel.messages import OutboundMessage
from bot.escalation.engine import EscalationTicker
from bot.outbox.dispatcher import ORDINARY_LANE, SAFETY_LANE
from bot.ticker import Ticker
from bot.web import create_web

Say = Callable[[object], None]


def die() -> None:
    """As kill -9 does it: nothing is flushed, closed or rolled back by us."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingChannel:
    """Sends for real, and dies before or after it."""

    def __init__(self, channel: Channel, at: object, *, after: int = 0) -> None:
        """The first `after` sends go well."""
        self._channel = channel
        self._at = at
        self._well = threading.Semaphore(after)

    def send(self, message: OutboundMessage, /) -> Receipt:
        well = self._well.acquire(blocking=False)
        if self._at == "send" and not well:
            die()
        receipt = self._channel.send(message)
        if self._at == "sent" and not well:
            die()
        return receipt


def die_at_statement(application: Application, number: int) -> None:
    """Dies before the `number`-th SQL statement from now on; commits count as statements."""
    left = threading.Semaphore(number - 1)

    def count(*_: Any) -> None:
        if not left.acquire(blocking=False):
            die()

    event.listen(application.database.engine, "before_cursor_execute", count)
    event.listen(application.database.engine, "commit", count)


def build(plan: dict[str, Any]) -> Application:
    settings = settings_for(plan["database"], plan["platform"], outbox={"lease_s": 1, "first_retry_s": 0.2})
    from support import warm  # noqa: PLC0415 - reads for seconds; whoever starts such processes does it once for all

    return warm.application(settings, Path(plan["folder"]))


def web(plan: dict[str, Any], say: Say) -> None:
    """Serves callbacks."""
    application = build(plan)
    app = create_web(application)
    if plan["at"] == "reply":
        answer = application.inbox.answer

        def dying(message: Any) -> str | None:
            answer(message)
            die()
            return None

        application.inbox.answer = dying  # type: ignore[method-assign]
        app = create_web(application)
    elif plan["at"]:
        die_at_statement(application, plan["at"])
    server = make_server("127.0.0.1", plan["port"], app, threaded=True)
    say("ready")
    server.serve_forever()


def ladder(plan: dict[str, Any], say: Say) -> None:
    """Moves due alerts up their ladder and sends what comes of it, until all is done or it dies."""
    application = build(plan)
    work(application, plan, say, [EscalationTicker(application.database, application.clock, application.alerts)])


def worker(plan: dict[str, Any], say: Say) -> None:
    """Ticks the lanes until all is sent, or until it dies."""
    work(build(plan), plan, say, [])


def work(application: Application, plan: dict[str, Any], say: Say, first: list[Ticker]) -> None:
    """Ticks `first` and the lanes."""
    at = plan["at"]
    if isinstance(at, str):
        for source, channel in list(application.channels.items()):
            application.channels[source] = DyingChannel(channel, at)
    loops = [
        *first,
        application.reaper,
        application.dispatcher(SAFETY_LANE),
        application.dispatcher(ORDINARY_LANE),
    ]
    say("ready")
    if isinstance(at, int):
        die_at_statement(application, at)
    for _ in range(20):
        for loop in loops:
            loop.tick()


def campaign(plan: dict[str, Any], say: Say) -> None:
    """Carries out the campaigns that are due, until all is sent or until it dies."""
    application = build(plan)
    at = plan["at"]
    if isinstance(at, str):
        for source, channel in list(application.channels.items()):
            application.channels[source] = DyingChannel(channel, at, after=plan["after"])
    loops = [application.reaper, application.campaign_runner, application.dispatcher(ORDINARY_LANE)]
    say("ready")
    if isinstance(at, int):
        die_at_statement(application, at)
    for _ in range(200):
        for loop in loops:
            loop.tick()
