"""我的数据 and 删除我的数据. Everything happens within the caller's transaction, but for the ticker's own."""

from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.db import Database
from bot.outbox.outbox import Outbox
from bot.privacy.erasure import RETRIED_FOR, erase_words, find_about
from bot.privacy.inventory import find_open, take_stock
from bot.privacy.models import Open, Stock
from bot.students.binding import Binding
from bot.students.contacts import Contact
from bot.students.profiles import Profiles
from bot.students.records import ErasureRecord
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)


class Privacy:
    """The use cases of somebody who asks what is stored about them."""

    def __init__(self, clock: Clock, outbox: Outbox, profiles: Profiles, binding: Binding) -> None:
        self._clock = clock
        self._outbox = outbox
        self._profiles = profiles
        self._binding = binding

    def stock(self, session: Session, contact: Contact, slots: dict[str, Any]) -> Stock:
        """What is stored about the contact, whose conversation has these `slots`."""
        student = self._profiles.find_by_contact(session, contact.contact)
        plan = slots.get("plan") or {}
        return take_stock(session, contact, student, plan_steps=len(plan.get("answers", ())))

    def erase(self, session: Session, contact: str) -> Open:
        """The binding and the words are gone; what still has to stay is returned and goes when it is over.

        The ticker finishes: the last minutes' messages and what staff were told of closed alerts in ten minutes, the
        rest when its alert or case is closed.
        """
        now = self._clock.now()
        self._binding.unbind(session, contact)
        erase_words(session, self._outbox, contact, upto=now, now=now)
        session.merge(ErasureRecord(contact=contact, asked_at=now))
        session.flush()
        still_open = find_open(session, contact)
        logger.info("data_erased", alerts_open=len(still_open.alerts), cases_open=len(still_open.cases))
        return still_open


class ErasureTicker:
    """Finishes what had to wait: deletes the rest of what somebody asked to have deleted, as soon as that can be."""

    name = "erasure"

    def __init__(self, database: Database, clock: Clock, outbox: Outbox) -> None:
        self._database = database
        self._clock = clock
        self._outbox = outbox

    def tick(self) -> TickReport:
        """Wishes of which nothing is left are done; each in its own transaction, so a crash repeats one at most."""
        now = self._clock.now()
        due = select(ErasureRecord.contact).where(ErasureRecord.asked_at < now - RETRIED_FOR)
        with self._database.read() as session:
            contacts = session.scalars(due.order_by(ErasureRecord.asked_at)).all()
        done = sum(self._finish(contact) for contact in contacts)
        if done:
            logger.info("erasures_finished", count=done)
        return TickReport(done=done)

    def _finish(self, contact: str) -> bool:
        with self._database.read() as session:
            about = None if find_open(session, contact) else find_about(session, contact)
        with self._database.write() as session:
            record = session.get(ErasureRecord, contact, with_for_update=True)
            if record is None:
                return False
            now = self._clock.now()
            finished = erase_words(session, self._outbox, contact, upto=record.asked_at, now=now, also=about)
            if finished:
                session.delete(record)
            return finished
