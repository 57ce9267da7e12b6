"""How forecasts, campaigns and their results are shown at the command line."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.broadcast import messages, store
from bot.broadcast.planner import Forecast
from bot.broadcast.records import CampaignRecord
from bot.broadcast.state import STATE_WORDS, CampaignState

_MOST_LISTED = 50


def forecast_lines(segment: str, expected: Forecast) -> Iterator[str]:
    """The forecast as an operator reads it."""
    yield f"范围：{segment}　共 {expected.audience:,} 人"
    yield f"现在送达 {expected.reached:,} 人：{messages.sums(expected.via, messages.WAYS) or '没有'}"
    if expected.held:
        yield f"等学生说话时给 {sum(expected.held.values()):,} 人：{messages.sums(expected.held, messages.REASONS)}"
    if expected.unreachable:
        lost = sum(expected.unreachable.values())
        yield f"送不到 {lost:,} 人：{messages.sums(expected.unreachable, messages.REASONS)}"
    yield f"发完后今天的额度：{messages.sums(expected.left, messages.WAYS)}"
    yield f"用时：{messages.duration(expected.takes)}"


def report_lines(session: Session, campaign: CampaignRecord, zone: ZoneInfo) -> Iterator[str]:
    """What became of everybody, by state, way and reason, and who may have it twice."""
    yield f"G{campaign.id}　{state_line(campaign)}　{campaign.segment}　对象 {campaign.audience:,} 人"
    if campaign.finished_at is not None:
        yield f"结束于 {campaign.finished_at.astimezone(zone):%Y-%m-%d %H:%M}"
    for state, way, reason, number in store.breakdown(session, campaign.id):
        by = f"　{messages.WAYS[way]}" if way in messages.WAYS else ""
        why = f"　{messages.reason(reason)}" if reason else ""
        yield f"  {messages.STATES.get(state, state)}{by}{why}：{number:,}"
    unsure = store.doubtful(session, campaign.id, limit=_MOST_LISTED)
    if unsure:
        yield f"可能收到两次的（平台当时没有答复），最多列 {_MOST_LISTED} 人："
        for row in unsure:
            who = row.person.removeprefix("s:") if row.person.startswith("s:") else f"微信用户 …{row.contact[-4:]}"
            yield f"  {who}　{messages.STATES.get(row.state, row.state)}"


def state_line(campaign: CampaignRecord) -> str:
    """Where a campaign is, and why it stopped."""
    words = STATE_WORDS[CampaignState(campaign.state)]
    return f"{words}（{messages.pause_reason(campaign.reason)}）" if campaign.reason else words


def as_json(campaign: CampaignRecord, expected: Forecast) -> dict[str, object]:
    """A campaign and its forecast for programs."""
    return {
        "id": campaign.id,
        "state": campaign.state,
        "audience": expected.audience,
        "reached": expected.reached,
        "via": {way.value: count for way, count in expected.via.items()},
        "held": dict(expected.held),
        "unreachable": dict(expected.unreachable),
        "left": {way.value: count for way, count in expected.left.items()},
        "takes_s": expected.takes.total_seconds(),
    }
