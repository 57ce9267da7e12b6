"""Opening a case and adding to it. Everything happens within the caller's transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cases.records import CaseMessageRecord, CaseRecord
from bot.cases.working_days import next_working_day_end
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import Chance, Clock
from bot.crypto import Cipher
from bot.outbox.outbox import Outbox
from bot.outbox.state import Delivery, Priority
from bot.staff.models import Role
from bot.staff.store import Directory

logger = structlog.get_logger(__name__)

_NOT_DELIVERED = "【企业微信没有送达】"


@dataclass(frozen=True, slots=True)
class Case:
    """A case as the student is told of it."""

    number: int
    reply_by: datetime
    is_new: bool


class Cases:
    """The use cases of 诉求."""

    def __init__(
        self,
        *,
        clock: Clock,
        chance: Chance,
        cipher: Cipher,
        outbox: Outbox,
        directory: Directory,
        zone: ZoneInfo,
        is_working_day: Callable[[date], bool],
        has_robot: bool,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._cipher = cipher
        self._outbox = outbox
        self._directory = directory
        self._zone = zone
        self._is_working_day = is_working_day
        self._has_robot = has_robot

    def open(self, session: Session, contact: str, words: str) -> Case:
        """The contact's open case, with `words` added. A new one is told to the counselors, or to the group robot."""
        now = self._clock.now()
        record = self.find_open(session, contact)
        is_new = record is None
        if record is None:
            record = CaseRecord(
                contact=contact,
                state="open",
                opened_at=now,
                reply_by=next_working_day_end(now, self._zone, self._is_working_day),
            )
            session.add(record)
            session.flush()
            self._tell_staff(session, record, words)
        self.add(session, record, author=contact, words=words)
        return Case(number=record.id, reply_by=record.reply_by, is_new=is_new)

    def find_open(self, session: Session, contact: str) -> CaseRecord | None:
        """The contact's open case."""
        query = select(CaseRecord).where(CaseRecord.contact == contact, CaseRecord.state == "open")
        return session.scalars(query).first()

    def reply(self, session: Session, number: int, *, staff_no: str, words: str) -> bool:
        """The student has the words on their way; where the platform's window is closed they wait for the student.

        False if there is no such open case.
        """
        case = session.get(CaseRecord, number, with_for_update=True)
        if case is None or case.state != "open":
            return False
        self.add(session, case, author=staff_no, words=words)
        self._outbox.enqueue(
            session,
            OutboundMessage(Source.WECHAT, case.contact, TextContent(f"老师回复（C{number}）：\n{words}")),
            priority=Priority.REPLY,
            subject=f"case:{number}",
            holdable=True,
        )
        return True

    def close(self, session: Session, number: int) -> bool:
        """The case is closed. False if there is no such open case."""
        case = session.get(CaseRecord, number, with_for_update=True)
        if case is None or case.state != "open":
            return False
        case.state, case.closed_at = "closed", self._clock.now()
        return True

    def is_open(self, session: Session, number: int) -> bool:
        """False if the case is closed or there is none of that number."""
        case = session.get(CaseRecord, number)
        return case is not None and case.state == "open"

    def pass_on(self, session: Session, number: int, delivery: Delivery) -> bool:
        """The group robot has, once, the notice that did not reach a member of staff. False: there is no robot."""
        if not self._has_robot:
            return False
        key = _notice_key(number, Source.ROBOT, "")
        self._outbox.pass_on(session, delivery, Source.ROBOT, heading=_NOT_DELIVERED, dedup_key=key)
        return True

    def reaches_nobody(self, number: int) -> None:
        """That no member of staff can be told is in the log, for an operator to act."""
        logger.error(
            "case_reaches_nobody", case=number, mend="import staff with an e-mail address, or set wecom.robot_webhooks"
        )

    def add(self, session: Session, case: CaseRecord, *, author: str, words: str) -> None:
        """One more message is in the case."""
        message_id = self._chance.new_id()
        session.add(
            CaseMessageRecord(
                id=message_id,
                case_id=case.id,
                author=author,
                words=self._cipher.seal(words, row=message_id),
                at=self._clock.now(),
            )
        )

    def _tell_staff(self, session: Session, case: CaseRecord, words: str) -> None:
        by = case.reply_by.astimezone(self._zone)
        text = (
            f"诉求 C{case.id}：一位同学想和老师说话（微信用户 …{case.contact[-4:]}）。\n"
            f"他写道：“{words[:120]}”\n已答应 {by.month}月{by.day}日 {by:%H:%M} 前回复。\n"
            f"请回复：回复 C{case.id} 您的话；办完了：结束 C{case.id}"
        )
        people = [person for person in self._directory.with_role(session, Role.COUNSELOR) if person.wecom_userid]
        targets = [(Source.WECOM, person.wecom_userid) for person in people]
        if not targets and self._has_robot:
            targets = [(Source.ROBOT, "")]
        if not targets:
            self.reaches_nobody(case.id)
        for channel, recipient in targets:
            self._outbox.enqueue(
                session,
                OutboundMessage(channel, recipient, TextContent(text)),
                priority=Priority.NOTICE,
                subject=f"case:{case.id}",
                dedup_key=_notice_key(case.id, channel, recipient),
            )


def _notice_key(number: int, channel: Source, recipient: str) -> str:
    return f"case:{number}:{channel.value}:{recipient}"
