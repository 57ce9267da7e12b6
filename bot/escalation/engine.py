"""Chases: moves every alert whose time has come up its ladder."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from bot.db import Database
from bot.escalation.alerts import Alerts
from bot.escalation.records import AlertRecord
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_PER_TICK = 100  # a callback must not wait long for the write lock
_BROKEN_AGAIN = timedelta(minutes=1)


class EscalationTicker:
    """Decides about the alerts that are due. Safe in several processes: a due alert is locked until that is done."""

    name = "escalation"

    def __init__(self, database: Database, clock: Clock, alerts: Alerts) -> None:
        self._database = database
        self._clock = clock
        self._alerts = alerts

    def tick(self) -> TickReport:
        """For every alert that was due the next step has been taken, up to 100 of them, worst and oldest first.

        One that cannot be dealt with is in the log and is tried again in a minute; it stops no other.
        """
        now = self._clock.now()
        is_due = and_(AlertRecord.state != "resolved", AlertRecord.next_notice_at <= now)
        due = select(AlertRecord.id).where(is_due)
        order = (AlertRecord.level.desc(), AlertRecord.next_notice_at)
        with self._database.read() as session:
            numbers = session.scalars(due.order_by(*order).limit(_PER_TICK)).all()
        if not numbers:
            return TickReport()
        try:
            done = self._climb(numbers, is_due)
        except SQLAlchemyError:
            raise
        except Exception:  # one alert's fault must not leave all the others unanswered
            logger.exception("escalation_batch_broke")
            done = sum(self._climb_alone(number, is_due, now) for number in numbers)
        return TickReport(done=done, more=len(numbers) == _PER_TICK)

    def _climb(self, numbers: Sequence[int], is_due: ColumnElement[bool]) -> int:
        with self._database.write() as session:
            query = (
                select(AlertRecord)
                .where(AlertRecord.id.in_(numbers), is_due)  # another worker may have dealt with some meanwhile
                .order_by(AlertRecord.level.desc(), AlertRecord.next_notice_at)
                .with_for_update(skip_locked=True)
            )
            alerts = session.scalars(query).all()
            ladder = self._alerts.ladder
            circle, mailing = ladder.circle(session), ladder.mailing()
            with session.no_autoflush:  # one UPDATE for all of them, not one before each question
                for alert in alerts:
                    ladder.climb(session, alert, circle=circle, mailing=mailing)
            mailing.post(session)
        return len(alerts)

    def _climb_alone(self, number: int, is_due: ColumnElement[bool], now: datetime) -> int:
        try:
            return self._climb([number], is_due)
        except SQLAlchemyError:
            raise
        except Exception:
            logger.exception("alert_cannot_climb", alert=number)
            with self._database.write() as session:
                session.execute(
                    update(AlertRecord).where(AlertRecord.id == number).values(next_notice_at=now + _BROKEN_AGAIN)
                )
            return 1
