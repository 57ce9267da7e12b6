"""The demonstration's school and season, as values: the same for the same seed, nobody real, all in its time."""

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from support.world import ZONE

from bot.clock import Chance, FakeClock
from bot.demonstration import school
from bot.demonstration.dice import Dice
from bot.demonstration.season import Does, Span, cast, plan_season, remind
from bot.demonstration.talk import Talk, read_talk
from bot.safety.assessment import assess
from bot.safety.lexicon import load_lexicon
from bot.staff.models import Role

NOON = datetime(2027, 6, 8, 12, 0, tzinfo=ZONE)
SPAN = Span(NOON - timedelta(days=10), NOON, ZONE)


def dice(seed: int = 1) -> Dice:
    return Dice(Chance(FakeClock(NOON), seed=seed))


@pytest.fixture
def talk() -> Talk:
    return read_talk()


def season(talk: Talk, seed: int = 1):
    thrown = dice(seed)
    students = school.enrolled(100, 2027, thrown)
    followers = cast(students, [f"o{one.student_no}" for one in students], thrown)
    return followers, plan_season(talk, followers, SPAN, thrown)


def test_the_same_seed_gives_the_same_school_and_season(talk):
    assert school.enrolled(50, 2027, dice()) == school.enrolled(50, 2027, dice())
    assert season(talk) == season(talk)
    assert season(talk, 1) != season(talk, 2)


def test_students_are_spread_over_colleges_that_say_what_they_are():
    students = school.enrolled(600, 2027, dice())
    assert len({one.student_no for one in students}) == 600
    assert Counter(one.college for one in students) == dict.fromkeys(school.COLLEGES, 120)
    assert all("演示" in college for college in school.COLLEGES)
    assert {one.degree for one in students} == {"本科", "硕士"}
    assert max(Counter((one.college, one.class_name) for one in students).values()) <= 30


def test_every_telephone_number_is_one_of_the_examples():
    students = school.enrolled(5000, 2027, dice())
    numbers = [one.phone for one in [*students, *school.employed(students)]]
    assert all(len(number) == 11 and number.startswith("1380000") for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_every_role_is_there_and_every_class_has_a_counselor():
    students = school.enrolled(600, 2027, dice())
    staff = school.employed(students)
    assert {one.role for one in staff} == set(Role)
    accounts = [one.wecom_userid for one in staff if one.wecom_userid]
    assert len(accounts) == len(set(accounts))
    cared_for = {(one.college, name) for one in staff for name in one.classes}
    assert cared_for == {(one.college, one.class_name) for one in students}


def test_the_rota_has_no_gap_and_begins_with_the_phone_on_the_page():
    staff = school.employed(school.enrolled(50, 2027, dice()))
    rows = school.rota_rows(staff, date(2027, 6, 8), days_back=3)
    days = sorted({row[0] for row in rows})
    assert (days[0], days[-1]) == ("2027-06-04", "2027-07-05")
    assert all([row[1:3] for row in rows if row[0] == day] == [["08:00", "20:00"], ["20:00", "08:00"]] for day in days)
    assert {row[3] for row in rows if row[0] == "2027-06-08"} == {staff[0].staff_no}
    assert staff[0].wecom_userid == "wanglaoshi"


def test_a_season_is_in_order_and_within_its_time(talk):
    _, acts = season(talk)
    times = [act.at for act in acts]
    assert times == sorted(times)
    assert SPAN.start <= times[0]
    assert times[-1] == SPAN.end


def test_only_who_follows_speaks_and_nobody_binds_twice(talk):
    _, acts = season(talk)
    following: set[str] = set()
    bound = [act.contact for act in acts if act.does is Does.BINDS]
    for act in acts:
        if act.does is Does.FOLLOWS:
            following.add(act.contact)
        elif act.does is Does.UNFOLLOWS:
            following.remove(act.contact)
        elif act.contact:
            assert act.contact in following, act
    assert len(bound) == len(set(bound))


def test_every_story_is_played_to_its_end(talk):
    followers, acts = season(talk)
    for follower, story in zip(followers, [*talk.stories, *talk.cases], strict=False):
        said = [act.words for act in acts if act.contact == follower.contact and act.words]
        assert said == [step.words for step in story.steps]
        assert follower.contact in {act.contact for act in acts if act.does is Does.BINDS} or not story.bound


def test_an_alert_that_nobody_takes_is_looked_at_every_five_minutes(talk):
    _, acts = season(talk)
    looks = [act.at for act in acts if act.does is Does.NOTHING and act.at >= SPAN.end - timedelta(minutes=44)]
    assert max(later - earlier for earlier, later in pairwise(looks)) <= timedelta(minutes=5)


def test_the_stories_alarm_as_they_are_meant_to(talk):
    """The first words of each story are seen by the screen, and all levels are among them."""
    lexicon = load_lexicon()
    levels = Counter(assess(story.steps[0].words, (), lexicon).level.word for story in talk.stories)
    assert set(levels) == {"yellow", "orange", "red"}
    questions = [word for words in talk.questions for word in words]
    assert {assess(words, (), lexicon).level.word for words in [*questions, *talk.odd]} == {"none"}


def test_reminders_by_hand_take_each_series_in_turn():
    acts = remind(["a", "b"], SPAN)
    assert [act.words for act in acts] == ["a", "b", "a", "b"]
    assert [f"{act.at:%a %H:%M}" for act in acts] == ["Mon 12:20", "Wed 12:10", "Thu 17:40", "Mon 12:20"]
    assert remind([], SPAN) == []


def test_dice_pick_what_is_there():
    thrown = dice()
    assert {thrown.between(1, 3) for _ in range(100)} == {1, 2, 3}
    assert {thrown.weighted({"a": 1.0, "b": 1.0, "c": 0.0}) for _ in range(100)} == {"a", "b"}
    assert sorted(thrown.shuffled(range(20))) == list(range(20))
    assert thrown.happens(1.0)
    assert not thrown.happens(0.0)
