"""Segments: what is written is read back, whatever it says, and no input is understood by accident."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.broadcast.reading import SegmentError, read_segment
from bot.broadcast.segment import NAMES, SWITCHES, All, Either, Everybody, Is, Not, Segment, matches, write_segment

VALUES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"”“'), min_size=1, max_size=6)
FIELDS = st.sampled_from([name for name in NAMES if name not in SWITCHES])
LEAVES = st.one_of(
    st.builds(Is, FIELDS, VALUES), st.builds(lambda name: Is(name, "是"), st.sampled_from(sorted(SWITCHES)))
)


def _inner(inside: st.SearchStrategy[Segment]) -> st.SearchStrategy[Segment]:
    several = st.lists(inside, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inside), st.builds(All, several), st.builds(Either, several))


SEGMENTS = st.recursive(LEAVES, _inner, max_leaves=8)
PEOPLE = st.tuples(
    st.fixed_dictionaries({name: st.sampled_from(["", "是", "甲", "甲学院", "乙"]) for name in NAMES if name != "tag"}),
    st.frozensets(st.sampled_from(["甲", "乙"])),
)
SMALL = st.recursive(st.builds(Is, FIELDS, st.sampled_from(["甲", "甲学院", "乙"])), _inner, max_leaves=6)


def as_json(segment: Segment) -> Any:
    if isinstance(segment, Is):
        return {NAMES[segment.field]: segment.value}
    if isinstance(segment, Not):
        return {"not": as_json(segment.of)}
    assert isinstance(segment, All | Either)
    return {"and" if isinstance(segment, All) else "or": [as_json(one) for one in segment.of]}


@given(SEGMENTS)
def test_what_is_written_is_read_back(segment: Segment) -> None:
    assert read_segment(write_segment(segment)) == segment


@given(SEGMENTS)
def test_words_and_json_say_the_same(segment: Segment) -> None:
    assert read_segment(json.dumps(as_json(segment), ensure_ascii=False)) == segment


@given(st.text(max_size=60))
def test_any_text_is_a_segment_or_an_error_that_says_what_to_do(text: str) -> None:
    fault = ""
    try:
        read_segment(text)
    except SegmentError as error:
        fault = str(error)
    assert not fault or any(word in fault for word in ("范围", "字段", "只能是", "值"))


@given(SMALL, SMALL, PEOPLE)
def test_and_or_not_mean_what_they_mean(one: Segment, other: Segment, person: Any) -> None:
    values, tags = person
    mine, yours = matches(one, values, tags), matches(other, values, tags)
    assert matches(All((one, other)), values, tags) == (mine and yours)
    assert matches(Either((one, other)), values, tags) == (mine or yours)
    assert matches(Not(one), values, tags) == (not mine)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", Everybody()),
        ("学院=体育教育 and not 标签=已离校", All((Is("college", "体育教育"), Not(Is("tag", "已离校"))))),
        (
            "（学历=硕士 或 学历=博士）且 去向=出国",
            All((Either((Is("degree", "硕士"), Is("degree", "博士"))), Is("destination", "出国"))),
        ),
        ("学历=硕士,博士", Either((Is("degree", "硕士"), Is("degree", "博士")))),
        ("宿舍!=3号楼", Not(Is("dorm", "3号楼"))),
        ('贷款=否 and 班级="2023级 4班"', All((Not(Is("has_loan", "是")), Is("class", "2023级 4班")))),
    ],
)
def test_examples(text: str, meaning: Segment) -> None:
    assert read_segment(text) == meaning


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("学校=首体", "不认识字段“学校”，可以用：学院、班级"),
        ("学院=", "等号后面要有值"),
        ("学院=体育 and", "写到末尾"),
        ("(学院=体育", "少一个右括号"),
        ("学院=体育 标签=x", "这里多出来了"),
        ("贷款=有", "只能是“是”或“否”"),
        ('{"学院": 3}', "值应是文字"),
        ("{bad", "不是正确的 JSON"),
        ("(" * 30 + "学院=a" + ")" * 30, "层"),
    ],
)
def test_errors_say_where_and_what(text: str, fault: str) -> None:
    with pytest.raises(SegmentError, match=fault.replace("(", r"\(")):
        read_segment(text)


def test_a_college_may_be_named_short_and_a_dorm_by_its_building() -> None:
    values = {"college": "体育教育学院", "dorm": "3号楼-201"}
    assert matches(read_segment("学院=体育教育 and 宿舍=3号楼"), values)
    assert not matches(read_segment("学院=体育"), values)
