"""The notices of one transaction, before they are sent: a few are cards, a pile after an outage is one summary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channel.messages import Source
from bot.clock import Clock
from bot.escalation.alert_log import AlertLog
from bot.escalation.notices import PILE, SUMMARIES, Notices
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.outbox.outbox import Outbox
from bot.staff.models import Staff

LATE = timedelta(minutes=5)
_CARDS_AT_ONCE = 3
_LISTED = 60


@dataclass(frozen=True, slots=True)
class _Item:
    alert: AlertRecord
    words: str
    person: Staff
    notes: Sequence[str]
    detail: Mapping[str, Any]
    late: bool


class Mailing:
    """Collects notices. `post` sends them, within the caller's transaction."""

    def __init__(self, *, clock: Clock, outbox: Outbox, notices: Notices, log: AlertLog) -> None:
        self._clock = clock
        self._outbox = outbox
        self._notices = notices
        self._log = log
        self._items: dict[str, list[_Item]] = {}

    def add(
        self,
        alert: AlertRecord,
        words: str,
        person: Staff,
        *,
        notes: Sequence[str],
        detail: Mapping[str, Any],
        late: bool,
    ) -> None:
        """The person is to be told of the alert. `late`: it should have happened a good while ago."""
        self._items.setdefault(person.staff_no, []).append(_Item(alert, words, person, notes, detail, late))

    def post(self, session: Session) -> None:
        """Each person has a card for each alert on the way; or, after an outage and for many alerts, one summary."""
        for items in self._items.values():
            person = items[0].person
            stuck = self._stuck(session, person)
            if _is_pile(items, stuck):
                details = {item.alert.id: item.detail for item in items}
                self._sum_up(session, person, stuck, details)
                continue
            read_of = self._summed_up_since(session, person)
            for item in items:
                if read_of is not None and self._is_summed_up(session, item, since=read_of):
                    continue
                self._notices.card(session, item.alert, item.words, person, notes=item.notes)
                self._write(session, item.alert, person, {**item.detail, "by": "wecom"})
        self._items = {}

    def sweep(self, session: Session, person: Staff) -> None:
        """If the person's cards pile up in an outage, one summary takes their place before they get through."""
        stuck = self._stuck(session, person)
        if not any(PILE in subject for subject in stuck) and _is_pile((), stuck):
            self._sum_up(session, person, stuck, {})

    def _stuck(self, session: Session, person: Staff) -> list[str]:
        """The subjects of what should have reached the person a good while ago."""
        before = self._clock.now() - LATE
        waiting = self._outbox.waiting_since(session, Source.WECOM, person.wecom_userid, before=before)
        return [subject for subject in waiting if subject.startswith("alert:") or PILE in subject]

    def _summed_up_since(self, session: Session, person: Staff) -> datetime | None:
        """When the summary was made that is on its way to the person or got there within the last minutes."""
        summary = self._outbox.newest(session, Source.WECOM, person.wecom_userid, subjects=SUMMARIES)
        if summary is None:
            return None
        _, created_at, settled_at = summary
        is_old = settled_at is not None and settled_at <= self._clock.now() - LATE
        return None if is_old else created_at

    def _is_summed_up(self, session: Session, item: _Item, *, since: datetime) -> bool:
        """True if that summary, or a newer one, tells of the alert: a card as well would be the pile again."""
        query = select(AlertLogRecord.detail).where(
            AlertLogRecord.alert_id == item.alert.id,
            AlertLogRecord.event == "notified",
            AlertLogRecord.actor == item.person.staff_no,
            AlertLogRecord.at >= since,
        )
        return any(detail.get("by") == "summary" for detail in session.scalars(query))

    def _sum_up(
        self, session: Session, person: Staff, stuck: Sequence[str], details: Mapping[int, Mapping[str, Any]]
    ) -> None:
        """One text in the place of everything about alerts that has not reached the person: all that are open."""
        self._outbox.cancel_to(session, stuck, Source.WECOM, person.wecom_userid)
        query = (
            select(AlertRecord)
            .where(AlertRecord.state == "triggered", AlertRecord.level.in_(("red", "orange")))
            .order_by(AlertRecord.level.desc(), AlertRecord.triggered_at)
        )
        open_alerts = [one for one in session.scalars(query) if one.id in details or person.staff_no in one.told]
        if not open_alerts:
            return
        self._notices.summary(session, open_alerts, person, listed=_LISTED)
        for alert in open_alerts:
            detail = details.get(alert.id, {"round": alert.rounds, "reason": "after_an_outage"})
            self._write(session, alert, person, {**detail, "by": "summary"})

    def _write(self, session: Session, alert: AlertRecord, person: Staff, detail: Mapping[str, Any]) -> None:
        self._log.write(session, alert.id, "notified", actor=person.staff_no, detail=detail)


def _is_pile(items: Sequence[_Item], stuck: Sequence[str]) -> bool:
    if any(PILE in subject for subject in stuck):
        return True
    alerts = {f"alert:{item.alert.id}" for item in items} | set(stuck)
    return len(alerts) > _CARDS_AT_ONCE and (bool(stuck) or any(item.late for item in items))
