"""Plays a season through the real inbox and the real loops, with a clock that goes from act to act."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.bootstrap import Application
from bot.cases.records import CaseRecord
from bot.channel.messages import InboundMessage, Kind, Source
from bot.clock import FakeClock
from bot.demonstration.season import Act, Does
from bot.escalation.records import AlertRecord
from bot.reminders.service import Reminders
from bot.staff.models import Role, Staff
from bot.students.codes import written
from bot.worker import Loop

_BUTTONS = {"我来处理": "ack", "误报": "false"}
_EVENTS = frozenset({Does.FOLLOWS, Does.UNFOLLOWS, Does.CLICKS})
_FOLLOWED_UP = frozenset({Does.NOTHING, Does.STAFF, Does.PRESSES, Does.REMINDS})
_SENDING = frozenset({"safety_dispatcher", "dispatcher"})
_HOUSEKEEPING_S = 600
_ROUNDS = 200  # of the loops at one moment; a reminder to a school takes some dozens


class EndlessError(RuntimeError):
    """The loops find no end."""


class Performance:
    """One application that lives through the acts. Nothing of it runs on after close()."""

    def __init__(self, application: Application, clock: FakeClock) -> None:
        """`application` is one of rehearsal(), with `clock`."""
        self._application = application
        self._clock = clock

    def play(self, acts: Sequence[Act], progress: Callable[[int], Any] = lambda _: None) -> None:
        """Each act has happened at its moment, and what followed from it; `progress` is told of each."""
        for act in acts:
            self._go_to(act.at)
            self._do(act)
            self._tick(act.does)
            progress(1)

    def _tick(self, after: Does) -> None:
        """Everything that is due now, or is to be sent now, is done, and what follows from it."""
        tickers = [loop.ticker for loop in self._application.loops if _goes_round(loop, after)]
        for _ in range(_ROUNDS):
            reports = [ticker.tick() for ticker in tickers]
            if not any(report.done for report in reports):
                return
        raise EndlessError

    def close(self) -> None:
        """Its threads have ended."""
        self._application.inbox.close()
        for loop in self._application.loops:
            if hasattr(loop.ticker, "close"):
                loop.ticker.close()

    def _go_to(self, moment: datetime) -> None:
        self._clock.advance(max(moment - self._clock.now(), moment - moment))

    def _do(self, act: Act) -> None:
        if act.does in _EVENTS:
            self._hear(Source.WECHAT, act.contact, kind=Kind.EVENT, event=act.does.value, event_key=act.words)
        elif act.does is Does.SAYS:
            self._hear(Source.WECHAT, act.contact, text=act.words)
        elif act.does is Does.REMINDS:
            if act.words:
                self._application.reminders.run_now(act.words)
        elif act.does is Does.BINDS:
            self._hear(Source.WECHAT, act.contact, text=f"绑定 {self._code_for(act.student_no)}")
        elif act.does is Does.STAFF:
            person, numbers = self._staff_for(act.contact)
            self._hear(Source.WECOM, person.wecom_userid, text=act.words.format(**numbers))
        elif act.does is Does.PRESSES:
            person, numbers = self._staff_for(act.contact)
            self._hear(
                Source.WECOM,
                person.wecom_userid,
                kind=Kind.EVENT,
                event="template_card_event",
                event_key=f"{_BUTTONS[act.words]}:{numbers['alert']}",
                extra={"response_code": self._application.chance.token()},
            )

    def _hear(self, source: Source, sender: str, *, kind: Kind = Kind.TEXT, **fields: Any) -> None:
        key = f"demo:{self._application.chance.new_id()}"
        message = InboundMessage(source, sender, dedup_key=key, kind=kind, sent_at=self._clock.now(), **fields)
        self._application.inbox.answer(message)

    def _code_for(self, student_no: str) -> str:
        """The code that the college has just given to this student."""
        binding = self._application.binding
        with self._application.database.write() as session:
            made = binding.new_codes(session, [student_no])
            binding.hand_out(session, made)
        return written(made[student_no])

    def _staff_for(self, contact: str) -> tuple[Staff, dict[str, int]]:
        """Who deals with the student's alert or case, and the numbers of both."""
        with self._application.database.read() as session:
            alert = _newest(session, AlertRecord, contact)
            case = _newest(session, CaseRecord, contact)
            rota, directory = self._application.rota, self._application.directory
            owner = rota.find_person(session, alert.acknowledged_by) if alert else None
            on_duty = [one for one in rota.on_duty(session, self._clock.now()).people if one.wecom_userid]
            person = owner or [*on_duty, *directory.with_role(session, Role.COUNSELOR)][0]
        return person, {name: record.id for name, record in (("alert", alert), ("case", case)) if record is not None}


def _goes_round(loop: Loop, after: Does) -> bool:
    """After most acts nothing, after words what sends an answer's other parts; a round of all is dear.

    Never what deletes: nothing here is old.
    The reminders look only when one is planned: to ask a calendar for its next days is the dearest of all.
    """
    if after not in _FOLLOWED_UP:
        return after is Does.SAYS and loop.ticker.name in _SENDING
    if loop.ticker.name == Reminders.name:
        return after is Does.REMINDS
    return loop.rest_s < _HOUSEKEEPING_S


def _newest(session: Session, kind: type[Any], contact: str) -> Any:
    return session.scalars(select(kind).where(kind.contact == contact).order_by(kind.id.desc()).limit(1)).first()
