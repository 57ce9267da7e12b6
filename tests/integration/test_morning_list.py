"""The working day's list: yellow reaches a person, at an hour at which nobody is woken."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot.channel.messages import TextContent, content_from_json
from bot.clock import Chance, FakeClock
from bot.conversation.store import save_inbound
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.alerts import Alerts, NoticePolicy, Worry
from bot.escalation.morning import MorningList
from bot.escalation.rota import Rota
from bot.outbox.outbox import Outbox
from bot.outbox.records import DeliveryRecord
from bot.staff.models import Role, Staff
from bot.staff.store import Directory
from bot.workdays import Workdays

ZONE = ZoneInfo("Asia/Shanghai")
WANG = Staff("1001", "王老师", Role.COUNSELOR, wecom_userid="wangl")


class Desk:
    """Alerts with a list, and what it has sent."""

    def __init__(
        self, database: Database, clock: FakeClock, chance: Chance, cipher: Cipher, outbox: Outbox, directory: Directory
    ):
        policy = NoticePolicy(timedelta(minutes=5), timedelta(minutes=5), timedelta(minutes=30))
        self.alerts = Alerts(
            clock=clock, chance=chance, cipher=cipher, outbox=outbox, rota=Rota(directory),
            policy=policy, zone=ZONE, has_robot=False,
        )  # fmt: skip
        self.database, self.clock, self.chance, self.cipher = database, clock, chance, cipher
        self.list = MorningList(database, clock, self.alerts, ZONE, Workdays())
        with database.write() as session:
            directory.replace_all(session, [WANG])

    def at(self, day: int, hour: int, minute: int = 0) -> None:
        """June 2027: the 7th is a Monday."""
        self.clock.advance(datetime(2027, 6, day, hour, minute, tzinfo=ZONE) - self.clock.now())

    def heavy(self, words: str = "每天都好累", contact: str = "openid-li", level: str = "yellow") -> None:
        inbound = self.chance.new_id()
        with self.database.write() as session:
            self.alerts.raise_alert(session, Worry(contact, inbound, words, level, "self", ()))
            row = dict.fromkeys(("source", "event", "answered_by", "topic"), "") | {
                "id": inbound, "dedup_key": inbound, "contact": contact, "kind": "text", "level": level,
                "words": self.cipher.seal(words, row=inbound), "reply": self.cipher.seal("", row=inbound),
                "received_at": self.clock.now(),
            }  # fmt: skip
            save_inbound(session, [row])

    def told(self) -> list[str]:
        self.list.tick()
        with self.database.read() as session:
            rows = session.scalars(
                select(DeliveryRecord)
                .where(DeliveryRecord.subject.startswith("alert-list:"))
                .order_by(DeliveryRecord.id)
            )
            found = [content_from_json(self.cipher.open(row.content, row=f"deliveries:{row.id}")) for row in rows]
        return [content.text for content in found if isinstance(content, TextContent)]


@pytest.fixture
def desk(
    database: Database, clock: FakeClock, chance: Chance, cipher: Cipher, outbox: Outbox, directory: Directory
) -> Desk:
    return Desk(database, clock, chance, cipher, outbox, directory)


def test_what_was_heavy_at_night_is_told_in_the_morning_once(desk: Desk):
    desk.at(7, 23)
    desk.heavy()
    desk.heavy(contact="openid-wu", words="什么都不想做" * 20)
    assert desk.told() == []
    desk.at(8, 8, 29)
    assert desk.told() == []
    desk.at(8, 8, 30)
    (text,) = desk.told()
    assert text.startswith("黄色名单：2 位同学")
    assert "A1 微信用户\u00a0…d-li（本人）06-07 23:00：“每天都好累”" in text
    assert "…”" in text
    desk.at(8, 12)
    assert len(desk.told()) == 1
    desk.at(9, 9)
    assert len(desk.told()) == 1


def test_the_same_day_and_the_weekend_wait(desk: Desk):
    desk.at(11, 10)  # Friday
    desk.heavy()
    assert desk.told() == []
    for day in (12, 13):
        desk.at(day, 10)
        assert desk.told() == []
    desk.at(14, 9)
    assert len(desk.told()) == 1


def test_what_was_closed_or_became_worse_is_not_on_it(desk: Desk):
    """An alert whose level rose has been told at once."""
    desk.at(7, 22)
    desk.heavy()
    desk.heavy(contact="openid-wu")
    desk.heavy(contact="openid-wu", level="red")
    with desk.database.write() as session:
        desk.alerts.resolve(session, 1, WANG, code="handled", via="text")
    desk.at(8, 9)
    assert desk.told() == []


def test_a_holiday_of_the_school_is_no_morning_for_lists(desk: Desk):
    desk.list = MorningList(desk.database, desk.clock, desk.alerts, ZONE, Workdays(holidays=[date(2027, 6, 9)]))
    desk.at(8, 20)
    desk.heavy()
    desk.at(9, 10)
    assert desk.told() == []
    desk.at(10, 10)
    assert len(desk.told()) == 1
