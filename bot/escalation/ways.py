"""Which way reaches a member of staff next: a pure rule. Every way that fails leads to another, until there is none."""

from collections.abc import Collection

from bot.channel.messages import Source
from bot.staff.models import Staff

ORDER = (Source.WECOM, Source.ROBOT, Source.EMAIL, Source.SMS)
"""A card that is acknowledged by a tap, the group on duty, the own mailbox, the own phone."""
PERSONAL = frozenset({Source.WECOM, Source.EMAIL, Source.SMS})


def ways_of(person: Staff) -> frozenset[Source]:
    """The ways for which the person's address is known. The robot reaches a group, so it is nobody's own."""
    known = {Source.WECOM: person.wecom_userid, Source.EMAIL: person.email, Source.SMS: person.phone}
    return frozenset(way for way, address in known.items() if address)


def next_way(has: Collection[Source], *, configured: Collection[Source], failed: Collection[Source]) -> Source | None:
    """The first way in ORDER that is configured, that the person has or that is a group's, and that has not failed.

    None: there is no way left.
    """
    return next(
        (way for way in ORDER if way in configured and way not in failed and (way in has or way not in PERSONAL)), None
    )


def up_to(way: Source) -> frozenset[Source]:
    """The ways that were tried when `way` was: itself and all before it."""
    return frozenset(ORDER[: ORDER.index(way) + 1]) if way in ORDER else frozenset()


def own_way(person: Staff, *, configured: Collection[Source]) -> Source | None:
    """The person's own first way; None if nothing but the group can reach the person."""
    not_own = [way for way in ORDER if way not in PERSONAL]
    return next_way(ways_of(person), configured=configured, failed=not_own)
