"""Leases: one holder of a name at a time across processes. Effects must be idempotent all the same."""

from datetime import datetime, timedelta

from sqlalchemy import String, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.clock import Clock
from bot.db import Base, Database, UtcDateTime


class LeaseRecord(Base):
    """Who holds a name until when. `epoch` grows with each change of holder."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    epoch: Mapped[int] = mapped_column(default=1)


class Lease:
    """One process's claim to a name, kept by calling `hold` more often than its life."""

    def __init__(self, database: Database, clock: Clock, *, name: str, holder: str, life: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._name = name
        self._holder = holder
        self.life = life

    def hold(self) -> bool:
        """Takes or renews the lease. True if this holder has it now."""
        now = self._clock.now()
        try:
            with self._database.write() as session:
                return self._take(session, now)
        except IntegrityError:  # another process made the row first
            return False

    def release(self) -> None:
        """Gives the lease back, so that another takes over at once instead of when it runs out."""
        with self._database.write() as session:
            session.execute(
                update(LeaseRecord)
                .where(LeaseRecord.name == self._name, LeaseRecord.holder == self._holder)
                .values(until=self._clock.now())
            )

    def _take(self, session: Session, now: datetime) -> bool:
        record = session.scalar(select(LeaseRecord).where(LeaseRecord.name == self._name).with_for_update())
        if record is None:
            session.add(LeaseRecord(name=self._name, holder=self._holder, until=now + self.life))
            session.flush()
            return True
        if record.holder != self._holder:
            if record.until > now:
                return False
            record.holder = self._holder
            record.epoch += 1
        record.until = now + self.life
        return True
