"""Reads a range of students from words or JSON, with an error that says where and what to write instead.

学院=体育教育 and not 标签=已离校
(学历=硕士 or 学历=博士) 且 去向=出国
{"and": [{"学院": "体育教育学院"}, {"not": {"标签": "已离校"}}]}
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.broadcast.segment import (
    NAMES,
    NO,
    SWITCHES,
    WORDS_AND,
    WORDS_NOT,
    WORDS_OR,
    YES,
    All,
    Either,
    Everybody,
    Is,
    Not,
    Segment,
    only_college,
)
from bot.errors import UserFacingError

FIELDS: Mapping[str, str] = {
    **{name: name for name in NAMES},
    **{word: name for name, word in NAMES.items()},
    "学历层次": "degree",
    "毕业去向": "destination",
}
"""The words for each field, Chinese and English."""
_LONGEST = 2000
_DEEPEST = 20
_MOST_VALUES = 200
_TOKEN = re.compile(r"\s*(?:([()（）])|(!=|≠|=|＝)|([,，|、])|\"([^\"]*)\"|“([^”]*)”|([^\s()（）=＝!≠,，|、\"“]+))")


class SegmentError(UserFacingError):
    """The range cannot be understood."""


def read_range(college: str, text: str) -> Segment:
    """The segment of the words in one college; without a college in all. Raises SegmentError."""
    meant = read_segment(text)
    return only_college(college.strip(), meant) if college.strip() else meant


def read_segment(text: str) -> Segment:
    """The segment that the words or the JSON mean; nothing written means everybody. Raises SegmentError."""
    text = text.strip()
    if not text or text in ("全体", "所有人", "all"):
        return Everybody()
    if len(text) > _LONGEST:
        raise SegmentError(f"范围写得太长（{len(text)} 字），最多 {_LONGEST} 字；给这些学生加一个标签，再按标签选")
    if text[0] in "{[":
        try:
            return _from_json(json.loads(text), 0)
        except (ValueError, RecursionError):
            raise SegmentError("范围不是正确的 JSON") from None
    return _Words(text).whole()


class _Words:
    """A parser by recursive descent: or, then and, then not, then a comparison or brackets."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split(text))
        self._at = 0
        self._depth = 0

    def whole(self) -> Segment:
        segment = self._either()
        if self._at < len(self._tokens):
            raise self._error("这里多出来了")
        return segment

    def _split(self, text: str) -> Iterator[tuple[str, str, int]]:
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise SegmentError(f"范围第 {at + 1} 个字看不懂：{text[at : at + 10]}")
            bracket, sign, comma, quoted, curly, word = found.groups()
            kind = "(" if bracket in ("(", "（") else ")" if bracket else "sign" if sign else "," if comma else "word"
            said = next((part for part in (quoted, curly) if part is not None), None)
            value = said if said is not None else bracket or sign or comma or word
            lower = value.lower() if said is None else ""
            kind = "and" if lower in WORDS_AND else "or" if lower in WORDS_OR else "not" if lower in WORDS_NOT else kind
            yield kind, value, found.start() + 1
            at = found.end()

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _either(self) -> Segment:
        parts = [self._all()]
        while self._peek() == "or":
            self._take()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self) -> Segment:
        parts = [self._one()]
        while self._peek() == "and":
            self._take()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self) -> Segment:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise SegmentError(f"范围里的括号和 not 最多套 {_DEEPEST} 层")
        try:
            return self._inner()
        finally:
            self._depth -= 1

    def _inner(self) -> Segment:
        if self._peek() == "not":
            self._take()
            return Not(self._one())
        if self._peek() == "(":
            self._take()
            segment = self._either()
            if self._peek() != ")":
                raise self._error("少一个右括号")
            self._take()
            return segment
        return self._comparison()

    def _comparison(self) -> Segment:
        if self._peek() != "word":
            raise self._error("这里应该是“学院=体育教育”这样的条件")
        name = _field(self._take())
        if self._peek() != "sign":
            raise self._error("字段后面要有 = 或 !=")
        negative = self._take() in ("!=", "≠")
        values = [self._value()]
        while self._peek() == ",":
            self._take()
            values.append(self._value())
        segment = _any_of(name, values)
        return Not(segment) if negative else segment

    def _value(self) -> str:
        if self._peek() not in ("word", "and", "or", "not"):
            raise self._error("等号后面要有值")
        return self._take().strip()

    def _error(self, why: str) -> SegmentError:
        if self._at < len(self._tokens):
            _, _, at = self._tokens[self._at]
            return SegmentError(f"范围第 {at} 个字：{why}（{self._text[at - 1 : at + 11].strip()}…）")
        return SegmentError(f"范围写到末尾：{why}")


def _from_json(item: Any, depth: int) -> Segment:
    if depth > _DEEPEST:
        raise SegmentError(f"范围最多套 {_DEEPEST} 层")
    if isinstance(item, list):
        item = {"and": item}
    if not isinstance(item, dict) or len(item) != 1:
        raise SegmentError('范围的 JSON 每层应只有一个键：and、or、not 或字段名，例如 {"学院": "体育教育学院"}')
    ((key, inside),) = item.items()
    word = str(key).strip()
    if word.lower() in WORDS_NOT:
        return Not(_from_json(inside, depth + 1))
    if word.lower() in WORDS_AND | WORDS_OR:
        if not isinstance(inside, list) or not inside:
            raise SegmentError(f"范围里 {word} 后面应是一个不空的列表")
        parts = tuple(_from_json(one, depth + 1) for one in inside)
        if len(parts) == 1:
            return parts[0]
        return All(parts) if word.lower() in WORDS_AND else Either(parts)
    values = inside if isinstance(inside, list) else [inside]
    if not values or not all(isinstance(value, str) and value.strip() for value in values):
        raise SegmentError(f"范围里 {word} 的值应是文字，或文字的列表")
    return _any_of(_field(word), [value.strip() for value in values])


def _field(word: str) -> str:
    name = FIELDS.get(word.lower())
    if name is None:
        raise SegmentError(f"不认识字段“{word}”，可以用：{'、'.join(NAMES.values())}")
    return name


def _any_of(name: str, values: list[str]) -> Segment:
    if len(values) > _MOST_VALUES:
        raise SegmentError(f"一个字段最多列 {_MOST_VALUES} 个值")
    if not all(values):
        raise SegmentError(f"{NAMES[name]}的值是空的")
    parts = tuple(_is(name, value) for value in values)
    return parts[0] if len(parts) == 1 else Either(parts)


def _is(name: str, value: str) -> Segment:
    if name not in SWITCHES:
        return Is(name, value)
    if value not in (YES, NO):
        raise SegmentError(f"{NAMES[name]}只能是“{YES}”或“{NO}”，现在是“{value}”")
    return Is(name, YES) if value == YES else Not(Is(name, YES))
