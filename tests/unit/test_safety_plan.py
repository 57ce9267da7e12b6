"""The safety plan: what a text wants of it, and how it goes on."""

from datetime import UTC, datetime

import pytest

from bot.safety.plan import Progress, Wish, load_steps, progress_of, question, wish_of, written_out

NOW = datetime(2026, 6, 17, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("安全计划", Wish.START),
        ("我想写安全计划", Wish.START),
        ("做一份安全计划。", Wish.START),
        ("我的安全计划", Wish.SHOW),
        ("看看我的安全计划", Wish.SHOW),
        ("跳过", Wish.SKIP),
        ("退出", Wish.LEAVE),
        ("继续", Wish.RESUME),
        ("学校的安全计划在哪里看", None),
        ("晚上一个人的时候", None),
        ("", None),
    ],
)
def test_what_a_text_wants_of_the_plan(text, wish):
    assert wish_of(text) is wish


def test_the_plan_goes_step_by_step_and_survives_being_stored():
    progress = Progress(asked_at=NOW)
    asked = []
    while not progress.is_done:
        asked.append(question(progress))
        progress = progress_of(progress.answered(f"m{len(asked)}", NOW).as_slot())
    assert [line.partition("：")[0] for line in asked] == [f"第 {n} 步" for n in range(1, len(load_steps()) + 1)]
    assert progress.answers[-1] == f"m{len(load_steps())}"
    with pytest.raises(IndexError):
        question(progress)


def test_no_words_are_kept_in_the_conversation():
    """Only which message holds an answer: the words stay sealed with the messages and are deleted with them."""
    assert Progress().answered("01ABC", NOW).as_slot()["answers"] == ["01ABC"]


def test_the_finished_plan_has_every_heading_and_the_students_words():
    text = written_out(["晚上\n一个人", "", *["洗澡"] * (len(load_steps()) - 2)])
    assert all(step.title in text for step in load_steps())
    assert "晚上 一个人" in text
    assert "空着" in text


def test_nothing_stored_is_no_plan():
    assert progress_of(None) is None
    assert progress_of({}) is None
