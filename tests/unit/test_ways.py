"""Which way comes next: every way that fails leads to another one until there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channel.messages import Source
from bot.escalation.ways import ORDER, PERSONAL, next_way, own_way, up_to, ways_of
from bot.staff.models import Role, Staff

WECOM, ROBOT, EMAIL, SMS = ORDER
WAYS = st.frozensets(st.sampled_from(ORDER))


def person(*ways: Source) -> Staff:
    return Staff(
        "T1",
        "王老师",
        Role.COUNSELOR,
        wecom_userid="wang" if WECOM in ways else "",
        email="w@example.edu" if EMAIL in ways else "",
        phone="13800000000" if SMS in ways else "",
    )


@pytest.mark.parametrize(
    ("has", "configured", "failed", "expected"),
    [
        ({WECOM, EMAIL, SMS}, set(ORDER), set(), WECOM),
        ({WECOM, EMAIL, SMS}, set(ORDER), {WECOM}, ROBOT),
        ({WECOM, EMAIL, SMS}, set(ORDER), {WECOM, ROBOT}, EMAIL),
        ({WECOM, EMAIL, SMS}, set(ORDER), {WECOM, ROBOT, EMAIL}, SMS),
        ({WECOM, EMAIL, SMS}, set(ORDER), set(ORDER), None),
        ({WECOM, SMS}, set(ORDER), {WECOM, ROBOT}, SMS),
        ({WECOM, EMAIL, SMS}, {WECOM, SMS}, {WECOM}, SMS),
        ({EMAIL}, set(ORDER), set(), ROBOT),
        ({WECOM}, {WECOM, EMAIL}, {WECOM}, None),
        (set(), set(ORDER), set(), ROBOT),
        (set(), PERSONAL, set(), None),
    ],
)
def test_the_next_way(has: set[Source], configured: set[Source], failed: set[Source], expected: Source | None):
    assert next_way(has, configured=configured, failed=failed) is expected


@given(WAYS, WAYS)
def test_going_on_from_each_failure_every_way_that_there_is_gets_its_turn_once(
    has: frozenset[Source], configured: frozenset[Source]
):
    tried: list[Source] = []
    while (way := next_way(has, configured=configured, failed=tried)) is not None:
        tried.append(way)
    assert tried == [way for way in ORDER if way in configured and (way in has or way is ROBOT)]


@given(WAYS, WAYS)
def test_the_own_way_is_one_that_the_person_has(has: frozenset[Source], configured: frozenset[Source]):
    way = own_way(person(*has), configured=configured)
    assert ways_of(person(*has)) == has - {ROBOT}
    assert (way is None) == (not has & configured & PERSONAL)
    assert way is None or way in has & configured & PERSONAL


def test_what_was_tried_before_a_way():
    assert up_to(WECOM) == {WECOM}
    assert up_to(EMAIL) == {WECOM, ROBOT, EMAIL}
    assert up_to(Source.WECHAT) == set()
