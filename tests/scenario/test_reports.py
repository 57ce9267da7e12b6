"""The report's page: by a word on WeCom, for those who may, with each rule's precision and the drills' times."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from support.world import STAFF, World

from bot.staff.models import Role, Staff

SPORTS, HEALTH = STAFF[0].college, "健康学院"
LEAD = Staff("L1", "赵书记", Role.COLLEGE_LEAD, college=SPORTS, wecom_userid="zhao")
CENTRE = Staff("P1", "心老师", Role.PSYCHOLOGY, wecom_userid="xin")
OTHER = Staff("T3", "陈老师", Role.COUNSELOR, college=HEALTH, wecom_userid="chen")
GOODBYE = "东西都送人了，今晚天台见"


def appoint(world: World, *people: Staff) -> None:
    """These work here, beside the counselors whom every world has."""
    with world.application.database.write() as session:
        world.application.directory.replace_all(session, [*STAFF, *people])
    world.staff = (*STAFF, *people)
    for person in people:
        world.simulator.add_member(person.wecom_userid, person.name)


def asks(world: World, name: str) -> str:
    """What the report's word is answered."""
    phone = world.phone(name)
    phone.read += len(phone.unread())
    phone.writes("报表")
    return str(phone.unread()[-1].text)


def link(world: World, name: str) -> str:
    """The link in the answer, on this machine."""
    found = re.search(r"/r/([\w-]+)", asks(world, name))
    assert found
    return f"{world.bot_url}/r/{found[1]}"


def get(address: str) -> requests.Response:
    return requests.get(address, timeout=10)


def cells(page: str) -> str:
    """The page's words in their order, with one space between them."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main>")[2]).split())


@pytest.fixture
def busy(world: World) -> World:
    """A false alarm, one nobody has judged, a drill taken after 80 s in one college and one that nobody took."""
    appoint(world, LEAD, CENTRE, OTHER)
    world.student("李同学", college=SPORTS).writes(GOODBYE)
    world.tick()
    world.phone("王老师").expects(card="红色 A1").writes("误报 A1")
    world.student("孙同学", college=SPORTS).writes(GOODBYE)
    with world.application.database.write() as session:
        world.application.drills.start(session, SPORTS)
        world.application.drills.start(session, HEALTH)
    world.clock.advance(timedelta(seconds=80))
    world.phone("王老师").writes("收到 A3")
    world.advance(minutes=31, step=timedelta(minutes=10))
    return world


def test_the_centre_reads_precision_and_times_and_no_student(busy: World) -> None:
    answer = get(link(busy, "心老师"))
    assert answer.status_code == 200
    words = cells(answer.text)
    assert re.search(r" 2 0 1 1 0% ", words), words  # called twice, none right, one false, one not judged
    assert f"{SPORTS} 1 次，1 次有人接 1 分 20 秒 1 分 20 秒 1 分 20 秒" in words
    assert f"{HEALTH} 1 次，0 次有人接 — — —" in words
    assert "演练，不是真的" not in words
    for secret in ("李同学", "孙同学", "天台", "S001"):
        assert secret not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_a_lead_sees_the_drills_of_the_own_college(busy: World) -> None:
    words = cells(get(link(busy, "赵书记")).text)
    assert f"{SPORTS} 1 次，1 次" in words
    assert HEALTH not in words


def test_a_counselor_is_told_who_reads_it(busy: World) -> None:
    answer = asks(busy, "刘老师")
    assert "学院领导" in answer
    assert "http" not in answer


def test_a_link_ends_with_its_time_and_with_the_office(busy: World) -> None:
    lead, centre = link(busy, "赵书记"), link(busy, "心老师")
    appoint(busy, replace(LEAD, role=Role.COUNSELOR), CENTRE)
    assert get(lead).status_code == 404
    assert get(centre).status_code == 200
    busy.clock.advance(timedelta(hours=73))
    late = get(centre)
    assert late.status_code == 410
    assert "回复“报表”" in late.text


def test_no_link_opens_what_another_is_for(busy: World) -> None:
    application = busy.application
    alert = application.link_for(1, CENTRE).rpartition("/")[2]
    assert get(f"{busy.bot_url}/r/{alert}").status_code == 404
    report = application.reports.link_for(CENTRE).rpartition("/")[2]
    assert get(f"{busy.bot_url}/a/{report}").status_code == 404


def test_a_quiet_school_reads_that_nothing_was(world: World) -> None:
    appoint(world, CENTRE)
    words = cells(get(link(world, "心老师")).text)
    assert "这段时间没有警报" in words
    assert "这段时间没有演练" in words
