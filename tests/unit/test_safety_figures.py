"""The figures of our own set do not get worse: written by somebody who had not read the lexicon, half of it negative."""

import json
from pathlib import Path

from bot.safety.assessment import assess
from bot.safety.lexicon import load_lexicon
from bot.safety.models import Level

OWN = Path(__file__).resolve().parents[2] / "bot" / "safety" / "data" / "evaluation" / "own.jsonl"
ROWS = [json.loads(line) for line in OWN.read_text(encoding="utf-8").splitlines()]
LEXICON = load_lexicon()
KINDS = {
    "explicit", "passive", "goodbye", "evasion", "third_person", "negation", "hyperbole", "quotation", "academic",
    "anger", "exam_stress", "love", "joke",
}  # fmt: skip


def alarms(rows):
    return [assess(row["text"], (), LEXICON).alarms for row in rows]


def test_the_set_is_large_has_every_kind_and_half_of_it_is_negative():
    assert len(ROWS) >= 600
    assert {row["kind"] for row in ROWS} >= KINDS
    assert 0.4 <= sum(row["level"] == "none" for row in ROWS) / len(ROWS) <= 0.6
    assert len({row["text"] for row in ROWS}) == len(ROWS)


def test_what_should_alarm_does():
    grave = alarms([row for row in ROWS if Level.from_word(row["level"]) >= Level.ORANGE])
    assert sum(grave) / len(grave) >= 0.74


def test_what_should_not_alarm_does_not():
    calm = alarms([row for row in ROWS if Level.from_word(row["level"]) < Level.ORANGE])
    assert sum(calm) / len(calm) <= 0.035
