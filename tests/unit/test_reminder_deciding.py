"""Who gets a due reminder: every rule alone, their order, and the plain meaning of each over all standings."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reminders.deciding import Caps, Reason, Standing, Verdict, Way, choose, decide, fingerprint

CAPS = Caps(per_day=1, per_week=5)
SEND = Verdict(Way.SEND)


def skip(reason: Reason) -> Verdict:
    return Verdict(Way.SKIP, reason)


@pytest.mark.parametrize(
    ("standing", "ordinary", "urgent"),
    [
        (Standing(left=5), SEND, SEND),
        (Standing(left=3), SEND, SEND),
        (Standing(left=2), Verdict(Way.HOLD, Reason.WINDOW), SEND),
        (Standing(left=0), Verdict(Way.HOLD, Reason.WINDOW), Verdict(Way.HOLD, Reason.WINDOW)),
        (Standing(left=5, today=1, week=1), skip(Reason.CAP_DAY), SEND),
        (Standing(left=5, week=4), SEND, SEND),
        (Standing(left=5, week=5), skip(Reason.CAP_WEEK), SEND),
        (Standing(left=5, in_pain=True), skip(Reason.OPEN_ALERT), skip(Reason.OPEN_ALERT)),
        (Standing(left=0, in_pain=True, today=1, week=9), skip(Reason.OPEN_ALERT), skip(Reason.OPEN_ALERT)),
        (Standing(left=0, today=1, week=9), skip(Reason.CAP_DAY), Verdict(Way.HOLD, Reason.WINDOW)),
    ],
)
def test_each_rule_and_their_order(standing: Standing, ordinary: Verdict, urgent: Verdict):
    assert decide(standing, caps=CAPS, reserve=2, urgent=False) == ordinary
    assert decide(standing, caps=CAPS, reserve=2, urgent=True) == urgent


def test_nobody_in_pain_and_never_the_reserve_in_any_standing():
    everything = product(range(6), (False, True), range(3), range(8), (False, True), range(4))
    for left, in_pain, today, week, urgent, reserve in everything:
        standing = Standing(left, in_pain, today, week)
        verdict = decide(standing, caps=CAPS, reserve=reserve, urgent=urgent)
        if in_pain:
            assert verdict.way is Way.SKIP
        if verdict.way is Way.SEND:
            assert left > (0 if urgent else reserve)
            assert urgent or (today < CAPS.per_day and week < CAPS.per_week)
        assert (verdict.reason is Reason.NONE) is (verdict.way is Way.SEND)


def test_every_reason_has_words_and_some_pass_with_time():
    assert all(reason.words for reason in Reason)
    assert {reason for reason in Reason if reason.passes} == {Reason.OPEN_ALERT, Reason.CAP_DAY, Reason.CAP_WEEK}


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True), st.integers(1, 40))
def test_whoever_goes_on_reading_has_read_all_equally_often(texts: list[str], times: int):
    given_: dict[str, int] = {}
    for number in range(times):
        text = choose(texts, given_)
        assert given_.get(fingerprint(text), 0) == number // len(texts)
        given_[fingerprint(text)] = given_.get(fingerprint(text), 0) + 1


@given(
    st.lists(st.text(min_size=1), min_size=2, max_size=6, unique=True),
    st.text(min_size=1),
    st.integers(0, 20),
)
def test_an_edited_text_is_read_next(texts: list[str], other: str, times: int):
    given_ = {fingerprint(text): times + 1 for text in texts}
    edited = [other, *texts[1:]]
    expected = other if other not in texts else texts[0] if other == texts[0] else other
    assert choose(edited, given_) == expected
