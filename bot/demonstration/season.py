"""Who follows, binds, asks, despairs and is answered when: a season as a list of acts in order. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from itertools import chain
from zoneinfo import ZoneInfo

from bot.demonstration.dice import Dice
from bot.demonstration.talk import Story, Talk
from bot.students.models import Student

_FOLLOW = 0.7
_BIND = 0.85
_UNFOLLOW = 0.06
_OPT_OUT = 0.06
_MISTYPE = 0.05
_SESSIONS = {0: 22.0, 1: 33.0, 2: 24.0, 3: 14.0, 4: 7.0}
_HOURS = {8: 3.0, 9: 6.0, 10: 7.0, 11: 6.0, 12: 9.0, 13: 6.0, 14: 6.0, 15: 6.0, 16: 6.0, 17: 5.0, 18: 5.0} | {
    19: 7.0, 20: 8.0, 21: 9.0, 22: 7.0, 23: 4.0, 0: 2.0, 1: 1.0,
}  # fmt: skip
_EARLY = timedelta(hours=3)
_CHASE = timedelta(minutes=5)
_CHASED_FOR = timedelta(minutes=70)
_BEAT = timedelta(hours=3)
_AWAKE = range(7, 24)
_REMINDED = {0: time(12, 20), 2: time(12, 10), 3: time(17, 40)}  # Monday, Wednesday, Thursday, as in the season


class Does(StrEnum):
    """What an act is. Of STAFF and PRESSES the student is whom the alert or case is about."""

    FOLLOWS = "subscribe"
    UNFOLLOWS = "unsubscribe"
    BINDS = "binds"
    CLICKS = "click"
    SAYS = "says"
    STAFF = "staff"
    PRESSES = "presses"
    REMINDS = "reminds"  # what the calendar has planned, or the series in `words`
    NOTHING = "nothing"  # time passes, and what is due is done


@dataclass(frozen=True, slots=True)
class Follower:
    """A student with a phone, and whether a student number is bound to it in the end."""

    contact: str
    student_no: str
    binds: bool


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happens."""

    at: datetime
    does: Does
    contact: str = ""
    words: str = ""
    student_no: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in the school's zone."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    def moment(self, dice: Dice, *, after: datetime | None = None) -> datetime:
        """A time at which students are awake, after `after`; more of them late than early."""
        first = after or self.start
        days = max(0, (self.end - first).days)
        while True:
            day = (first + timedelta(days=max(dice.between(0, days), dice.between(0, days)))).astimezone(self.zone)
            hour = dice.weighted(_HOURS)
            at = day.replace(hour=hour, minute=dice.between(0, 59), second=dice.between(0, 59), microsecond=0)
            if first <= at <= self.end:
                return at
            if self.end - first < timedelta(days=1):
                return first + (self.end - first) * (dice.between(0, 999) / 1000)

    def at(self, story: Story) -> datetime:
        """When the story begins: early enough that all of it has happened at the end."""
        if story.ago is not None:
            return self.end - story.ago
        day = (self.start + (self.end - self.start) * story.when).astimezone(self.zone).date()
        at = datetime.combine(day, time.fromisoformat(story.at), self.zone)
        return min(max(at, self.start + _EARLY), self.end - story.steps[-1].after - _CHASE)


def cast(students: Sequence[Student], contacts: Sequence[str], dice: Dice) -> list[Follower]:
    """Who has a phone that follows us, in an order of chance. `contacts` are those of `students`, one for each."""
    pairs = dice.shuffled(list(zip(students, contacts, strict=True)))
    some = pairs[: max(1, round(len(pairs) * _FOLLOW))]
    return [Follower(contact, student.student_no, binds=dice.happens(_BIND)) for student, contact in some]


def plan_season(talk: Talk, followers: Sequence[Follower], span: Span, dice: Dice) -> list[Act]:
    """All that happens from the start to the end of the span, in order. The first followers play the stories."""
    scripts = [*talk.stories, *talk.cases]
    leads = followers[: len(scripts)]
    acts = list(
        chain(
            *(_lead(follower, story, span) for follower, story in zip(leads, scripts, strict=False)),
            *(_crowd(follower, talk, span, dice) for follower in followers[len(scripts) :]),
            _beats(span),
        )
    )
    return sorted((act for act in acts if span.start <= act.at <= span.end), key=lambda act: act.at)


def remind(series: Sequence[str], span: Span) -> list[Act]:
    """Each of `series` in turn, three a week, as an operator sends one by hand."""
    days = (
        span.start.astimezone(span.zone).date() + timedelta(days=n) for n in range((span.end - span.start).days + 1)
    )
    planned = (datetime.combine(day, _REMINDED[day.weekday()], span.zone) for day in days if day.weekday() in _REMINDED)
    moments = [at for at in planned if span.start <= at <= span.end]
    return [Act(at, Does.REMINDS, words=series[n % len(series)]) for n, at in enumerate(moments) if series]


def _lead(follower: Follower, story: Story, span: Span) -> Iterator[Act]:
    """Somebody with a story: follows in the first hours, then nothing until it begins."""
    begins = span.at(story)
    yield Act(span.start + _EARLY / 3, Does.FOLLOWS, follower.contact)
    if story.bound:
        yield Act(span.start + _EARLY / 2, Does.BINDS, follower.contact, student_no=follower.student_no)
    for step in story.steps:
        yield Act(begins + step.after, Does(step.what), follower.contact, step.words)
    answered = next((step.after for step in story.steps if step.what != Does.SAYS), _CHASED_FOR)
    at = begins
    while at < begins + answered:  # what nobody takes is told again on time
        yield Act(at, Does.NOTHING)
        at += _CHASE


def _crowd(follower: Follower, talk: Talk, span: Span, dice: Dice) -> Iterator[Act]:
    """Somebody without a story, who may follow no more in the end."""
    joined = min(span.moment(dice), span.moment(dice))
    leaves = max(joined, span.end - timedelta(minutes=dice.between(0, 3000))) if dice.happens(_UNFOLLOW) else None
    for act in _life(follower, talk, span, joined, dice):
        if leaves is None or act.at <= leaves:
            yield act
    if leaves is not None:
        yield Act(leaves, Does.UNFOLLOWS, follower.contact)


def _life(follower: Follower, talk: Talk, span: Span, joined: datetime, dice: Dice) -> Iterator[Act]:
    contact = follower.contact
    yield Act(joined, Does.FOLLOWS, contact)
    if follower.binds:
        bound = joined + timedelta(minutes=dice.between(1, 600))
        if dice.happens(_MISTYPE):
            yield Act(bound - timedelta(seconds=30), Does.SAYS, contact, "绑定 2345-6789")
        yield Act(bound, Does.BINDS, contact, student_no=follower.student_no)
    for _ in range(dice.weighted(_SESSIONS)):
        yield from _session(contact, talk, span.moment(dice, after=joined), dice)
    if dice.happens(_OPT_OUT):
        yield Act(span.moment(dice, after=joined), Does.SAYS, contact, dice.pick(talk.opt_outs))


def _session(contact: str, talk: Talk, at: datetime, dice: Dice) -> Iterator[Act]:
    """A question or two, or a tap on the menu."""
    if dice.happens(0.15):
        yield Act(at, Does.CLICKS, contact, dice.pick(talk.clicks))
        return
    questions: Iterable[str] = (dice.pick(talk.odd),) if dice.happens(0.12) else dice.pick(talk.questions)
    for question in questions:
        yield Act(at, Does.SAYS, contact, question)
        at += timedelta(seconds=dice.between(25, 100))


def _beats(span: Span) -> Iterator[Act]:
    at = span.start.replace(minute=42, second=0, microsecond=0)  # soon after the season's reminders are planned
    while at < span.end:
        if at.astimezone(span.zone).hour in _AWAKE:
            yield Act(at, Does.NOTHING)
        at += _BEAT
    yield Act(span.end, Does.NOTHING)
