"""The ladder, the rota and the ways together: who is told, by what, by day and by night."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time

import pytest
from support.relays import Mailbox, mail_server
from support.world import STAFF, ZONE, World

from bot.escalation.rota_files import Planned
from bot.escalation.rotation import Rotation
from bot.staff.models import Role, Staff

GOODBYE = "东西都送人了，今晚天台见"
WANG = STAFF[0]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


@pytest.fixture
def world(build_world: Callable[..., World], mailbox: Mailbox) -> World:
    return build_world(
        email={"host": "127.0.0.1", "port": mailbox.port, "security": "none", "sender": "lixiao@example.edu"},
        rota={"report_at": "23:59", "handover": False},
    )


def staff(world: World, *people: Staff) -> None:
    with world.application.database.write() as session:
        world.application.directory.replace_all(session, people)


def worry(world: World) -> None:
    world.student("李同学").writes(GOODBYE)
    world.student("李同学").expects("120")
    world.tick()


def test_who_has_only_a_mailbox_is_mailed_at_once_with_the_link(world: World, mailbox: Mailbox) -> None:
    """No account is no reason to be passed over, nor to wait until something fails."""
    staff(world, Staff("T9", "赵老师", Role.COUNSELOR, college="体育教育学院", email="zhao@example.edu"))
    worry(world)
    assert mailbox.recipients == ["zhao@example.edu"]
    assert GOODBYE in mailbox.mails[0].get_content()
    assert "/a/" in mailbox.mails[0].get_content()
    assert world.phone("群").unread() == []


def test_a_drill_is_for_its_college_only(world: World) -> None:
    staff(world, WANG, Staff("T2", "刘老师", Role.COUNSELOR, college="管理学院", wecom_userid="liu"))
    with world.application.database.write() as session:
        world.application.drills.start(session, "管理学院")
    world.tick()
    assert "演练，不是真的" in world.phone("刘老师").expects(card="【演练】").card.title
    assert world.phone("王老师").unread() == []


@pytest.mark.parametrize(("hour", "rings", "quiet"), [(10, "刘老师", "王老师"), (22, "王老师", "刘老师")])
def test_by_day_the_class_counselor_and_by_night_who_is_on_duty(
    world: World, hour: int, rings: str, quiet: str
) -> None:
    staff(world, WANG, Staff("T2", "刘老师", Role.COUNSELOR, wecom_userid="liu", classes=("2023级4班",)))
    with world.application.database.write() as session:
        every_day = Rotation("全天", "", ("T1",), date(2027, 6, 1), time(8), time(8))
        world.application.rota.plan(session, Planned(rotations=(every_day,)))
        world.application.alerts.ladder._targets._class_of = lambda _session, _contact: "2023级4班"
    world.go_to(datetime(2027, 6, 9, hour, tzinfo=ZONE))
    worry(world)
    world.phone(rings).expects(card="红色 A1")
    assert world.phone(quiet).unread() == []
