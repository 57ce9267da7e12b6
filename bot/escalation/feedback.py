"""What counselors say of alerts: 确实 and 误报, counted for each rule that raised them. Nothing here commits."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.escalation.alerts import Alerts
from bot.escalation.records import AlertLogRecord, AlertRecord
from bot.staff.models import Staff

_CONFIRMED = "confirmed"
_VERDICTS = (_CONFIRMED, "resolved")  # the log's events that carry one; the last counts


@dataclass(frozen=True, slots=True)
class RuleCount:
    """A week's alerts of one rule, by what became of them. `week` is its Monday, in the school's time."""

    week: date
    rule: str
    label: str
    alerts: int = 0
    confirmed: int = 0
    handled: int = 0
    false: int = 0

    @property
    def unjudged(self) -> int:
        """Alerts that nobody has said anything about."""
        return self.alerts - self.confirmed - self.handled - self.false

    @property
    def precision(self) -> float | None:
        """The share of judged alerts that were none to dismiss; None before anybody has judged one."""
        judged = self.confirmed + self.handled + self.false
        return (self.confirmed + self.handled) / judged if judged else None


def confirm(session: Session, alerts: Alerts, alert_id: int, staff: Staff, *, via: str) -> None:
    """It is on record that the alert was right to call. Open or closed, it stays as it is. Raises LookupError."""
    if session.get(AlertRecord, alert_id) is None:
        raise LookupError(alert_id)
    alerts.log(session, alert_id, _CONFIRMED, actor=staff.staff_no, detail={"via": via})


def since_monday(now: datetime, zone: ZoneInfo, *, weeks: int) -> datetime:
    """The beginning, in the school's time, of the first of the last `weeks` weeks; the present one is the last."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday(), weeks=weeks - 1)


def weekly_counts(session: Session, since: datetime, zone: ZoneInfo) -> list[RuleCount]:
    """Weeks and the rules that raised alerts in them; the latest week first, the least precise rule first."""
    verdicts = _verdicts(session, since)
    tally: dict[tuple[date, str, str], Counter[str]] = defaultdict(Counter)
    for alert in session.scalars(select(AlertRecord).where(AlertRecord.triggered_at >= since)):
        day = alert.triggered_at.astimezone(zone).date()
        for rule, label in _raised_by(alert):
            counts = tally[day - timedelta(days=day.weekday()), rule, label]
            counts["alerts"] += 1
            if verdict := verdicts.get(alert.id):
                counts[verdict] += 1
    found = [
        RuleCount(week, rule, label, counts["alerts"], counts[_CONFIRMED], counts["handled"], counts["false"])
        for (week, rule, label), counts in tally.items()
    ]
    return sorted(found, key=lambda one: (-one.week.toordinal(), _or_last(one.precision), -one.alerts, one.rule))


def _or_last(precision: float | None) -> float:
    return 2.0 if precision is None else precision


def _verdicts(session: Session, since: datetime) -> dict[int, str]:
    """The last verdict on each alert: confirmed, handled or false."""
    query = (
        select(AlertLogRecord.alert_id, AlertLogRecord.event, AlertLogRecord.detail)
        .where(AlertLogRecord.event.in_(_VERDICTS), AlertLogRecord.at >= since)
        .order_by(AlertLogRecord.id)
    )
    said: dict[int, str] = {}
    for alert_id, event, detail in session.execute(query):
        if detail.get("code") == "merged":  # says nothing about the rule
            continue
        verdict = event if event == _CONFIRMED else "false" if detail.get("code") == "false_alarm" else "handled"
        if not (verdict == "handled" and said.get(alert_id) == _CONFIRMED):  # 确实, then 已处理, is still 确实
            said[alert_id] = verdict
    return said


def _raised_by(alert: AlertRecord) -> Iterator[tuple[str, str]]:
    """The rules that gave the alert its level, none twice; what only stood beside them is not judged."""
    seen: set[str] = set()
    for signal in alert.signals:
        rule = str(signal.get("rule") or signal.get("category", ""))
        if signal.get("level") == alert.level and rule not in seen:
            seen.add(rule)
            yield rule, str(signal.get("label", ""))
