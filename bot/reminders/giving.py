"""Gives one due reminder to some students: the decision for each, the words, the delivery, and the ledger's row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.outbox.outbox import Outbox
from bot.outbox.state import Priority
from bot.reminders import store
from bot.reminders.deciding import Caps, Standing, Verdict, Way, choose, decide, fingerprint
from bot.reminders.schedule import is_quiet
from bot.reminders.series import Series
from bot.students.contacts import Contact

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ReminderRules:
    """Quiet hours in the school's zone, messages of the platform kept for safety, and the frequency cap."""

    quiet: tuple[time, time]
    zone: ZoneInfo
    reserve: int
    caps: Caps
    enabled: bool = True

    def is_quiet(self, now: datetime) -> bool:
        """True while only urgent reminders may go."""
        return is_quiet(now, quiet=self.quiet, zone=self.zone)


@dataclass(frozen=True, slots=True)
class Judged:
    """One student, what becomes of the reminder, and its words."""

    contact: str
    verdict: Verdict
    text: str


class Giving:
    """Decides and stores, within the caller's transaction."""

    def __init__(self, outbox: Outbox, rules: ReminderRules) -> None:
        self._outbox = outbox
        self._rules = rules

    def judge(self, session: Session, series: Series, contacts: Sequence[Contact], now: datetime) -> list[Judged]:
        """What each of `contacts` would get at `now`. Nothing is stored."""
        names = [contact.contact for contact in contacts]
        today = now.astimezone(self._rules.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        in_pain = store.with_open_alert(session, names)
        waiting = self._outbox.waiting_counts(session, Source.WECHAT, names)
        given_today = store.given_since(session, names, today)
        given_week = store.given_since(session, names, now - _WEEK)
        texts = store.texts_given(session, series.key, names)
        judged = []
        for contact in contacts:
            name = contact.contact
            standing = Standing(
                left=contact.window.left(now) - waiting.get(name, 0),
                in_pain=name in in_pain,
                today=given_today[name],
                week=given_week[name],
            )
            verdict = decide(standing, caps=self._rules.caps, reserve=self._rules.reserve, urgent=series.urgent)
            judged.append(Judged(name, verdict, choose(series.texts, texts.get(name, {}))))
        return judged

    def give(
        self, session: Session, series: Series, judged: Sequence[Judged], *, source_id: str, at: datetime, now: datetime
    ) -> Counter[Way]:
        """Each has a row in the ledger and, unless skipped, a delivery: once for each run or due and student.

        `at` is the planned time, from which on a held text makes sense for `series.kept_for`.
        """
        known = store.known_in(session, source_id, [one.contact for one in judged])
        rows, counts = [], Counter[Way]()
        for one in judged:
            if one.contact in known:
                continue
            way = one.verdict.way
            if way is not Way.SKIP:
                self._outbox.enqueue(
                    session,
                    OutboundMessage(Source.WECHAT, one.contact, TextContent(one.text)),
                    priority=Priority.NOTICE if series.urgent else Priority.ORDINARY,
                    subject=series.subject,
                    dedup_key=f"reminder:{source_id}:{one.contact}",
                    expires_at=at + series.kept_for,
                    holdable=True,
                    held=way is Way.HOLD,
                )
            counts[way] += 1
            rows.append(
                {
                    "source_id": source_id,
                    "contact": one.contact,
                    "series": series.key,
                    "text": "" if way is Way.SKIP else fingerprint(one.text),
                    "outcome": way.value,
                    "reason": one.verdict.reason.value,
                    "at": now,
                }
            )
        store.add_given(session, rows)
        return counts
