"""Looks every half minute whether everybody is told on time.

If not it raises an alarm past the outbox; only if all is well does it call the heartbeat, so that silence is noticed
outside.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.beats import beat, find_beats
from bot.channel.errors import SendError
from bot.clock import Clock
from bot.db import Database
from bot.escalation.audit import Fault, find_faults
from bot.escalation.audit_store import take_pulse
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_ALARM = "alarm"
_PATIENCE = timedelta(seconds=20)
_ALARM_EVERY = timedelta(minutes=10)
_FOREVER_S = 10 * 365 * 86400
_WORDS = {
    "has never run (flask worker)": "从来没有运行过",
    "silent": "没有动静",
    "stuck": "卡住了",
    "nothing is going to happen": "没有下一步",
    "late": "该通知却没有通知",
    "nobody can be reached": "一个人也通知不到",
    "not sent": "没有发出去",
    "unavailable": "不可用",
}

_ABOUT = {"notice of an alert": "警报的通知", "alert ": "警报 ", "loop ": "循环 ", "database": "数据库"}


class Auditor:
    """The ticker in the worker, and what `flask audit` does."""

    name = "auditor"

    def __init__(
        self, database: Database, clock: Clock, *, raise_alarm: Callable[[str], bool], beat_outside: Callable[[], None]
    ) -> None:
        """`raise_alarm` sends a text directly and says whether anything took it; `beat_outside` raises SendError."""
        self._database = database
        self._clock = clock
        self._raise_alarm = raise_alarm
        self._beat_outside = beat_outside
        self._since: dict[str, datetime] = {}

    def tick(self) -> TickReport:
        """From within a worker, which therefore runs. What a worker that has just started puts right is no alarm."""
        now = self._clock.now()
        faults = self.look(is_worker_needed=False)
        since = {fault.about: self._since.get(fault.about, now) for fault in faults}
        self._since = since
        self._act(faults, [fault for fault in faults if now - since[fault.about] >= _PATIENCE])
        return TickReport()

    def audit(self) -> list[Fault]:
        """What is wrong. An alarm is out, at most every ten minutes; or, if nothing is, the heartbeat was called."""
        faults = self.look()
        self._act(faults, faults)
        return faults

    def _act(self, faults: list[Fault], lasting: list[Fault]) -> None:
        if faults:
            logger.error("audit_found_faults", faults=[str(fault) for fault in faults])
            if lasting:
                self._alarm(lasting)
            return
        try:
            self._beat_outside()
        except SendError as error:  # the watchdog outside notices by itself
            logger.warning("heartbeat_failed", code=error.code)

    def look(self, *, is_worker_needed: bool = True) -> list[Fault]:
        """What is wrong; nothing is sent. A database that cannot be asked is a fault like any other."""
        now = self._clock.now()
        try:
            with self._database.read() as session:
                pulse = take_pulse(session, now)
        except SQLAlchemyError as error:
            return [Fault("unavailable", f"database ({type(error).__name__})")]
        return find_faults(pulse, now, is_worker_needed=is_worker_needed)

    def _alarm(self, faults: list[Fault]) -> None:
        now = self._clock.now()
        try:
            with self._database.read() as session:
                last = find_beats(session).get(_ALARM)
        except SQLAlchemyError:
            last = None
        if last is not None and now - last < _ALARM_EVERY:
            return
        if not self._raise_alarm(alarm_text(faults)):
            logger.error("alarm_reaches_nobody", mend="set audit.alarm_emails, or a group robot")
            return
        try:
            with self._database.write() as session:
                beat(session, _ALARM, now, within_s=_FOREVER_S)
        except SQLAlchemyError:  # a database that does not answer means an alarm every time: better than none
            logger.warning("alarm_not_remembered")


def alarm_text(faults: list[Fault]) -> str:
    """To the operators and the group on duty: what is wrong, without anything about a student."""
    lines = ["【离校小助手报警】警报可能没有人收到，请马上处理："]
    lines += [f"· {_in_words(fault)}" for fault in faults[:10]]
    lines.append("先打电话给值班老师；再看服务器：flask doctor，systemctl restart lixiao-worker。")
    return "\n".join(lines)


def _in_words(fault: Fault) -> str:
    minutes = int(fault.lasting.total_seconds() // 60)
    lasting = f"，已经 {minutes or 1} 分钟" if fault.lasting else ""
    about = fault.about
    for english, chinese in _ABOUT.items():
        about = about.replace(english, chinese)
    return f"{about} {_WORDS.get(fault.word, fault.word)}{lasting}"
