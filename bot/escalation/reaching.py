"""Puts what a member of staff is to read on its way, whichever that is, within the caller's transaction.

E-mail carries the words: it is the school's own and goes to one person. SMS never does, for a company outside carries
it: it says only that something waits, and where.
"""

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channel.messages import CardContent, OutboundMessage, Source, TextContent
from bot.escalation.rota import Rota
from bot.escalation.ways import next_way, own_way, up_to, ways_of
from bot.outbox.outbox import Outbox
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import Delivery, DeliveryState, Priority, gets_nowhere
from bot.staff.models import Staff
from bot.staff.store import Directory

LinkFor = Callable[[int, Staff], str]
"""The signed link under which this person sees an alert and takes it; empty if there is none."""


class Reaching:
    """Ways to single members of staff."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        directory: Directory,
        rota: Rota,
        configured: Collection[Source],
        school: str,
        link_for: LinkFor = lambda _alert, _person: "",
    ) -> None:
        """`configured` are the channels that exist; `school` signs what comes from an unknown number."""
        self._outbox = outbox
        self._directory = directory
        self._rota = rota
        self.configured = frozenset(configured)
        self._school = school
        self._link_for = link_for

    def can_reach(self, person: Staff) -> bool:
        """True if anything of ours can get to this very person."""
        return own_way(person, configured=self.configured) is not None

    def message(
        self, way: Source, person: Staff, content: CardContent | TextContent, *, alert: int = 0
    ) -> OutboundMessage:
        """What `person` gets by `way`. A card stays one in WeCom only; `alert` is the number that the link is for."""
        link = self._link_for(alert, person) if alert and way is not Source.WECOM else ""
        if way is Source.WECOM:
            return OutboundMessage(way, person.wecom_userid, content)
        if way is Source.SMS:
            what = f"警报 A{alert} 请您马上处理" if alert else "有一条值班通知请您看"
            where = link or "请打开企业微信，或联系一起值班的老师"
            return OutboundMessage(way, person.staff_no, TextContent(f"{self._school}离校小助手：{what}。{where}"))
        lines = [content.title, content.text] if isinstance(content, CardContent) else [content.text]
        if alert:
            lines.append(f"我来处理：{link}" if link else f"请在企业微信应用里回复：收到 A{alert}")
        return OutboundMessage(way, person.staff_no, TextContent("\n".join(lines)))

    def tell(self, session: Session, person: Staff, text: str, *, subject: str, dedup_key: str) -> bool:
        """The person has the text on its way by their own first way, once for a `dedup_key`. False: there is none."""
        way = own_way(person, configured=self.configured)
        if way is None:
            return False
        if not self._outbox.is_known(session, dedup_key):
            self._outbox.enqueue(
                session,
                self.message(way, person, TextContent(text)),
                priority=Priority.NOTICE,
                subject=subject,
                dedup_key=dedup_key,
            )
        return True

    def tell_group(self, session: Session, text: str, *, subject: str, dedup_key: str) -> bool:
        """The group robot has the text on its way, once for a `dedup_key`. False: there is no robot."""
        if Source.ROBOT not in self.configured:
            return False
        if not self._outbox.is_known(session, dedup_key):
            message = OutboundMessage(Source.ROBOT, "", TextContent(text))
            self._outbox.enqueue(session, message, priority=Priority.NOTICE, subject=subject, dedup_key=dedup_key)
        return True

    def following(self, delivery: Delivery, person: Staff | None, *, failed: Collection[Source] = ()) -> Source | None:
        """The way after that of `delivery`, which did not get through to `person`; None if it was the last."""
        has = ways_of(person) if person else frozenset()
        return next_way(has, configured=self.configured, failed=up_to(Source(delivery.channel)).union(failed))

    def pass_on(
        self,
        session: Session,
        delivery: Delivery,
        person: Staff,
        way: Source,
        *,
        heading: str,
        alert: int = 0,
        origin: str = "",
    ) -> bool:
        """The person has by `way`, once, what `delivery` did not bring. False if it was on its way already.

        `origin` is the person's own delivery with which it began, where `delivery` is the group's.
        """
        key = f"instead:{origin or delivery.id}:{way.value}:{person.staff_no}"
        content = session.scalar(select(DeliveryRecord.content).where(DeliveryRecord.id == delivery.id))
        if content is None or self._outbox.is_known(session, key):
            return False
        text = f"{heading}{self._outbox.text_of(delivery.id, content)}"
        self._outbox.enqueue(
            session,
            self.message(way, person, TextContent(text), alert=alert),
            priority=delivery.priority,
            subject=delivery.subject,
            dedup_key=key,
        )
        return True

    def person_of(self, session: Session, delivery: Delivery) -> Staff | None:
        """Whose delivery it is; None for a group's, and for who has left."""
        if delivery.channel == Source.WECOM:
            return self._directory.find_by_userid(session, delivery.recipient)
        return self._directory.find(session, delivery.recipient) if delivery.recipient else None

    def left_to_the_group(
        self, session: Session, delivery: Delivery, *, after_attempts: int
    ) -> Sequence[tuple[Staff, str]]:
        """For whom the group robot stood in with `delivery`, each with the own delivery that does not get through.

        Where there are none, nobody on duty has an account: then it stood in for all of them.
        """
        query = select(DeliveryRecord).where(
            DeliveryRecord.subject == delivery.subject, DeliveryRecord.channel == Source.WECOM.value
        )
        records = session.scalars(query.order_by(DeliveryRecord.id)).all()
        if not records:
            return [(person, delivery.id) for person in self._rota.on_duty(session, delivery.not_before).people]
        stuck = {record.recipient: record.id for record in records if _is_stuck(record, after_attempts)}
        found = ((self._directory.find_by_userid(session, userid), own) for userid, own in sorted(stuck.items()))
        return [(person, own) for person, own in found if person]

    def group_is_stuck(self, session: Session, subject: str, *, after_attempts: int) -> bool:
        """True if the newest text about `subject` to the group does not get through either."""
        query = select(DeliveryRecord).where(
            DeliveryRecord.subject == subject, DeliveryRecord.channel == Source.ROBOT.value
        )
        newest = session.scalars(query.order_by(DeliveryRecord.id.desc()).limit(1)).first()
        return newest is not None and _is_stuck(newest, after_attempts)


def _is_stuck(record: DeliveryRecord, after_attempts: int) -> bool:
    expired = record.state == DeliveryState.EXPIRED
    return expired or gets_nowhere(record.state, record.attempts, after_attempts=after_attempts)
