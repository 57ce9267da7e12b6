"""Makes of an audience what the planner needs to know of each person, in a handful of queries for some hundred."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.broadcast.audience import Person
from bot.broadcast.budget import MASS_MOST, Used, Way, day_start, month_start
from bot.broadcast.planner import Recipient
from bot.broadcast.records import CampaignRecord, RecipientRecord
from bot.channel.messages import Source
from bot.db import table_of
from bot.escalation.records import AlertRecord
from bot.outbox.outbox import Outbox
from bot.outbox.records import ChannelRestRecord, DeliveryRecord
from bot.students.contacts import load_contacts
from bot.students.window import Window

_RECIPIENT = table_of(RecipientRecord).c
_DELIVERY = table_of(DeliveryRecord).c
_CAP_FOR = timedelta(hours=24)
_AT_ONCE = 400
_COUNTED = ("queued", "sent", "delivered")
CHANNELS: Mapping[Way, Source] = {
    Way.WINDOW: Source.WECHAT,
    Way.TEMPLATE: Source.TEMPLATE,
    Way.SUBSCRIPTION: Source.SUBSCRIPTION,
    Way.WECOM: Source.WECOM,
    Way.MASS: Source.MASS,
}


class Subscriptions(Protocol):
    """How many subscription notices each student still allows."""

    def remaining(self, session: Session, contacts: Sequence[str], template_id: str) -> Mapping[str, int]:
        """Those of `contacts` that allow any."""
        ...

    def spend(self, session: Session, contact: str, template_id: str) -> None:
        """One of them is used."""
        ...

    def none_left(self, session: Session, contact: str, template_id: str) -> None:
        """The platform said that there is none."""
        ...


class Roster:
    """Loads people as the planner wants them, and the account's budgets."""

    def __init__(self, outbox: Outbox, subscriptions: Subscriptions) -> None:
        self._outbox = outbox
        self._subscriptions = subscriptions

    def recipients(
        self, session: Session, people: Sequence[Person], *, subscription_id: str, now: datetime, lock: bool
    ) -> Iterator[Recipient]:
        """Each of `people`, in order. With `lock` nobody else spends their windows until the transaction ends."""
        for start in range(0, len(people), _AT_ONCE):
            some = people[start : start + _AT_ONCE]
            names = sorted({one.contact for one in some if one.contact})
            contacts = load_contacts(session, names, lock=lock)
            waiting = self._outbox.waiting_counts(session, Source.WECHAT, names)
            mass = _counts(session, names, month_start(now), only_mass=True)
            notices = _counts(session, names, now - _CAP_FOR, only_mass=False)
            in_pain = _in_pain(session, names)
            allowed = self._subscriptions.remaining(session, names, subscription_id) if subscription_id else {}
            for one in some:
                contact = contacts.get(one.contact)
                yield Recipient(
                    person=one.person,
                    contact=one.contact,
                    following=contact is not None and contact.following,
                    window=contact.window if contact else Window(),
                    waiting=waiting.get(one.contact, 0),
                    mass_used=mass.get(one.contact, 0),
                    subscriptions=allowed.get(one.contact, 0),
                    wecom_userid=one.wecom_userid,
                    notices=notices.get(one.contact, 0),
                    in_pain=one.contact in in_pain,
                    tried=frozenset(Way(word) for word in one.tried.split(",") if word),
                )


def used_today(session: Session, now: datetime) -> Used:
    """What of the account's limits is gone today, or on its way."""
    day = day_start(now)
    columns = _DELIVERY
    channels = [source.value for source in CHANNELS.values()]
    under_way = columns.settled_at.is_(None) & columns.state.in_(("pending", "sending"))
    ended = (columns.settled_at >= day) & columns.state.in_(("sent", "delivered", "failed"))
    query = (
        select(columns.channel, func.count())
        .where(columns.channel.in_(channels), or_(under_way, ended))
        .group_by(columns.channel)
    )
    gone = {str(channel): int(count) for channel, count in session.execute(query)}
    gathered = session.scalar(
        select(func.count()).select_from(RecipientRecord).where(RecipientRecord.state == "gathered")
    )
    return Used(
        service=gone.get(Source.WECHAT, 0),
        template=gone.get(Source.TEMPLATE, 0),
        subscription=gone.get(Source.SUBSCRIPTION, 0),
        wecom=gone.get(Source.WECOM, 0),
        mass_jobs=gone.get(Source.MASS, 0) + -(-(gathered or 0) // MASS_MOST),
    )


def resting(session: Session, now: datetime) -> dict[Way, ChannelRestRecord]:
    """The ways that are off or rest at this moment."""
    query = select(ChannelRestRecord).where(or_(ChannelRestRecord.until.is_(None), ChannelRestRecord.until > now))
    found = {record.channel: record for record in session.scalars(query)}
    return {way: found[source.value] for way, source in CHANNELS.items() if source.value in found}


def usable(session: Session, configured: Collection[Source], now: datetime) -> frozenset[Way]:
    """The ways that are configured and neither off nor resting."""
    asleep = resting(session, now)
    return frozenset(way for way, source in CHANNELS.items() if source in configured and way not in asleep)


def _counts(session: Session, names: Sequence[str], since: datetime, *, only_mass: bool) -> dict[str, int]:
    """How many notices each had since then: by mass send, or ordinary ones by any way."""
    query = (
        select(_RECIPIENT.contact, func.count())
        .where(_RECIPIENT.contact.in_(names), _RECIPIENT.planned_at >= since)
        .group_by(_RECIPIENT.contact)
    )
    if only_mass:
        query = query.where(_RECIPIENT.way == Way.MASS.value, _RECIPIENT.state.in_((*_COUNTED, "gathered")))
    else:
        ordinary = select(CampaignRecord.id).where(CampaignRecord.urgent.is_(False))
        query = query.where(_RECIPIENT.state.in_(_COUNTED), _RECIPIENT.campaign_id.in_(ordinary))
    return {str(contact): int(count) for contact, count in session.execute(query)}


def _in_pain(session: Session, names: Sequence[str]) -> set[str]:
    query = select(AlertRecord.contact).where(
        AlertRecord.contact.in_(names), AlertRecord.state != "resolved", AlertRecord.level.in_(("red", "orange"))
    )
    return set(session.scalars(query))
