"""Who is meant: conditions over students, read from words or JSON. Pure; store.py makes SQL of them.

学院=体育教育 and not 标签=已离校
(学历=硕士 or 学历=博士) 且 去向=出国
{"and": [{"学院": "体育教育学院"}, {"not": {"标签": "已离校"}}]}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

NAMES = {
    "college": "学院",
    "class": "班级",
    "degree": "学历",
    "politics": "政治面貌",
    "dorm": "宿舍",
    "destination": "去向",
    "tag": "标签",
    "hukou_here": "户口在校",
    "has_loan": "贷款",
    "extended": "延长学制",
    "bound": "绑定",
}
SWITCHES = frozenset({"hukou_here", "has_loan", "extended", "bound"})
YES, NO = "是", "否"
_BARE = re.compile(r"[^\s()（）=＝!≠,，|、\"“]+")
WORDS_AND, WORDS_OR, WORDS_NOT = (
    frozenset({"and", "且", "并且", "&&"}),
    frozenset({"or", "或", "或者", "||"}),
    frozenset({"not", "非", "不是"}),
)


@dataclass(frozen=True, slots=True)
class Everybody:
    """All followers, bound or not, and all students."""


@dataclass(frozen=True, slots=True)
class Is:
    """The field has this value; of a switch, that it is known to be 是.

    A college may be named without 学院 at its end, a dorm by its building alone.
    """

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """Not the inner one."""

    of: "Segment"


@dataclass(frozen=True, slots=True)
class All:
    """Each of them."""

    of: tuple["Segment", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of them."""

    of: tuple["Segment", ...]


Segment = Everybody | Is | Not | All | Either


def write_segment(segment: Segment) -> str:
    """The segment in words that read_segment understands."""
    if isinstance(segment, Everybody):
        return "全体"
    if isinstance(segment, Is):
        return f"{NAMES[segment.field]}={_quoted(segment.value)}"
    if isinstance(segment, Not):
        return f"not {_bracketed(segment.of)}"
    word = " and " if isinstance(segment, All) else " or "
    return word.join(_bracketed(one) for one in segment.of)


def matches(segment: Segment, values: Mapping[str, str], tags: frozenset[str] = frozenset()) -> bool:
    """True if a student with these values (by English field name) is meant."""
    if isinstance(segment, Not):
        return not matches(segment.of, values, tags)
    if isinstance(segment, All):
        return all(matches(one, values, tags) for one in segment.of)
    if isinstance(segment, Either):
        return any(matches(one, values, tags) for one in segment.of)
    return isinstance(segment, Everybody) or _is(segment, values.get(segment.field, ""), tags)


def college_names(value: str) -> tuple[str, ...]:
    """The names under which a college may be on file: 体育教育 is 体育教育学院 too."""
    return (value,) if value.endswith("学院") else (value, f"{value}学院")


def only_college(college: str, segment: Segment) -> Segment:
    """The part of the segment that is in one college."""
    here = Is("college", college)
    return here if isinstance(segment, Everybody) else All((here, segment))


def _bracketed(segment: Segment) -> str:
    words = write_segment(segment)
    return f"({words})" if isinstance(segment, All | Either) else words


def _is(segment: Is, value: str, tags: frozenset[str]) -> bool:
    if segment.field == "tag":
        return segment.value in tags
    if segment.field == "dorm":
        return value.startswith(segment.value)
    return value in college_names(segment.value) if segment.field == "college" else value == segment.value


def _quoted(value: str) -> str:
    if _BARE.fullmatch(value) and value.lower() not in WORDS_AND | WORDS_OR | WORDS_NOT:
        return value
    return f"“{value}”" if '"' in value else f'"{value}"'
