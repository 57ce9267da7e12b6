"""Writing undone: what is read, and where it stood."""

import pytest

from bot.safety.text import Normaliser, Rewriting

PLAIN = Normaliser([])
REWRITING = Normaliser([Rewriting("紫砂(?!壶)", "自杀", "砂"), Rewriting(r"(?<![a-z])zisha(?![a-z])", "自杀", "z")])


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("ＺＳ", "zs"),
        ("活著", "活着"),
        ("自殺", "自杀"),
        ("自.杀", "自杀"),
        ("自😂杀", "自杀"),
        ("自\u200b杀", "自杀"),
        ("自*-_杀", "自杀"),
        ("不 想 活 了", "不想活了"),
        ("你好,好吗?", "你好，好吗？"),
        ("熬不下去了 想睡", "熬不下去了 想睡"),
        ("「引文」", "“引文”"),
        ("\ud800自杀", "自杀"),
        ("\x00\x01", ""),
        ("", ""),
    ],
)
def test_one_form_for_many_ways_of_writing(raw, plain):
    assert PLAIN(raw).text == plain


def test_what_stands_in_place_costs_no_offsets():
    assert PLAIN("档案怎么转").offsets is None


def test_a_rewriting_respects_its_surroundings():
    assert REWRITING("想紫砂了").text == "想自杀了"
    assert REWRITING("送我紫砂壶").text == "送我紫砂壶"
    assert REWRITING("想zisha").text == "想自杀"
    assert REWRITING("zishan").text == "zishan"


def test_spans_lead_back_to_the_original():
    raw = "我想z.i.sha，真的"
    plain = REWRITING(raw)
    at = plain.text.index("自杀")
    start, end = plain.span(at, at + 2)
    assert raw[start:end].startswith("z")
    assert 0 <= start < end <= len(raw)
