"""The words that an expression cannot match without."""

import re
from pathlib import Path

import pytest

from bot.safety.lexicon import load_lexicon, read_examples
from bot.safety.literals import demands_of

LEXICON = load_lexicon()
TEXTS = [
    *(example.text for example in read_examples()),
    *(
        line.split("\t")[2]
        for line in (Path(__file__).parent / "data" / "safety_cases.tsv").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ),
]


@pytest.mark.parametrize(
    ("expression", "demands"),
    [
        ("想死", [{"想死"}]),
        ("(?:想|要)去死", [{"去死"}, {"想", "要"}]),
        ("想(?:很|好)?死", [{"想"}, {"死"}]),
        ("(?:跳楼|上吊)(?!价)", [{"跳楼", "上吊"}]),
        ("[药片]+吃完", [{"吃完"}, {"药", "片"}]),
        ("(?:死|.)了", [{"了"}]),
        ("[^死]+", []),
        ("(?<!不)活", [{"活"}]),
    ],
)
def test_what_an_expression_demands(expression, demands):
    assert [set(demand) for demand in demands_of(re.compile(expression))] == demands


def test_no_pattern_is_skipped_on_a_text_that_it_matches():
    """The shortcut is only a shortcut: whatever an expression finds, its demands let through."""
    for text in (LEXICON.normalise(raw).text for raw in TEXTS):
        for pattern in LEXICON.patterns:
            if pattern.expression.search(text):
                assert any(word in text for word in pattern.demands[0]), (pattern.name, text)
                assert pattern.may_match(text), (pattern.name, text)


def test_every_pattern_has_a_name_of_its_own():
    names = [pattern.name for pattern in LEXICON.patterns]
    assert len(set(names)) == len(names)
