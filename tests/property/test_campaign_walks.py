"""Walks of campaigns: no order of acts sends what two people have not agreed to, or wakes what has ended."""

from hypothesis import given
from hypothesis import strategies as st

from bot.broadcast.state import Act, CampaignState, ImpossibleMoveError, StopRule, Tally, moved

ENDS = {CampaignState.FINISHED, CampaignState.CANCELLED}


@given(st.lists(st.sampled_from(list(Act)), max_size=40))
def test_every_walk_keeps_the_order(acts: list[Act]) -> None:
    state, done = CampaignState.DRAFT, []
    for act in acts:
        try:
            following = moved(state, act)
        except ImpossibleMoveError:
            continue
        assert state not in ENDS, "an ended campaign moved"
        done.append(act)
        if following is CampaignState.RUNNING:
            assert Act.APPROVE in done
            assert Act.SCHEDULE in done
        if following is CampaignState.FINISHED:
            assert state is CampaignState.RUNNING
        state = following
    assert done.count(Act.APPROVE) <= 1
    assert done.count(Act.FINISH) + done.count(Act.CANCEL) <= 1


@given(st.sampled_from([state for state in CampaignState if state not in ENDS]))
def test_whatever_is_not_over_can_be_cancelled(state: CampaignState) -> None:
    assert moved(state, Act.CANCEL) is CampaignState.CANCELLED


@given(st.integers(0, 500), st.integers(0, 500))
def test_it_stops_by_itself_only_for_a_share_of_enough(settled: int, failed: int) -> None:
    stops = StopRule(share=0.1, least=20).stops(Tally(settled, min(failed, settled)))
    assert stops == (settled >= 20 and min(failed, settled) * 10 > settled)
