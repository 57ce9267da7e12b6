"""Signs of life: each worker writes when its loops last went round, so that the web process notices one that hangs."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.db import Base, UtcDateTime, insert_into, table_of

LOOP = "loop:"
_WORKER_WITHIN_S = 30


class BeatRecord(Base):
    """When a loop of some worker last went round, and within how many seconds it is to do so again."""

    __tablename__ = "beats"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    within_s: Mapped[int] = mapped_column(default=_WORKER_WITHIN_S)


def beat(session: Session, name: str, now: datetime, *, within_s: int = _WORKER_WITHIN_S) -> None:
    """The loop `name` is alive at `now`."""
    session.merge(BeatRecord(name=name, at=now, within_s=within_s))


def beat_loops(session: Session, rounds: Mapping[str, tuple[datetime, int]]) -> None:
    """Each named loop went round at its moment, and is to do so again within its seconds. One statement for all."""
    if not rounds:
        return
    table = table_of(BeatRecord)
    statement = insert_into(session.get_bind().dialect.name, table)
    changes = {"at": statement.excluded.at, "within_s": statement.excluded.within_s}
    upserting = statement.on_conflict_do_update(index_elements=["name"], set_=changes)
    rows = [{"name": LOOP + name, "at": at, "within_s": within_s} for name, (at, within_s) in sorted(rounds.items())]
    session.connection().execute(upserting, rows)


def forget_loops(session: Session, *, but: Collection[str]) -> None:
    """Loops that exist no more are not missed."""
    names = [LOOP + name for name in but]
    session.execute(delete(BeatRecord).where(BeatRecord.name.startswith(LOOP), BeatRecord.name.not_in(names)))


def find_beats(session: Session) -> dict[str, datetime]:
    """When each worker, loop and other sign of life was last seen."""
    return {record.name: record.at for record in session.scalars(select(BeatRecord))}


def find_rhythm(session: Session) -> list[tuple[str, datetime, int]]:
    """Of the worker and of each loop: its own name, when it went round, in how many seconds it is to do so again."""
    records = session.scalars(select(BeatRecord).order_by(BeatRecord.name))
    return [
        (record.name.removeprefix(LOOP), record.at, record.within_s)
        for record in records
        if record.name == "worker" or record.name.startswith(LOOP)
    ]
