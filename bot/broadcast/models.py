"""What campaigns are made of, as values: a draft, the rules, how far it is, and what can be wrong with a draft."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bot.broadcast.segment import Segment, write_segment
from bot.broadcast.templates import Template
from bot.channel.text import BYTE_LIMIT
from bot.errors import UserFacingError


class NoSuchCampaignError(UserFacingError):
    """There is no campaign with this number."""


class BadNoticeError(UserFacingError):
    """The notice cannot go out like this."""


class SameNoticeError(UserFacingError):
    """The same notice to the same range is there already."""


@dataclass(frozen=True, slots=True)
class BroadcastRules:
    """The settings of broadcasting. `templates` by key; `calls_a_second` is what the forecast of time reckons with."""

    account_type: Literal["service", "subscription"]
    reserve: int
    approve_above: int
    daily_cap: int
    misfire: timedelta
    hold_for: timedelta
    use_mass: bool
    student_userids: bool
    templates: Mapping[str, Template] = field(default_factory=dict)
    calls_a_second: float = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice as somebody wants it sent. `again` allows what was sent before.

    With `audience_of` it goes to the people of that campaign; with `only_silent` to those who have not answered it.
    `approved_by` is the approval that it inherits.
    """

    text: str
    segment: Segment
    author: str
    title: str = ""
    urgent: bool = False
    template: str = ""
    at: datetime | None = None
    misfire: timedelta | None = None
    use_mass: bool = True
    again: bool = False
    kind: str = "notice"
    audience_of: int | None = None
    only_silent: bool = False
    approved_by: str = ""


def check(draft: Draft, rules: BroadcastRules) -> None:
    """Raises BadNoticeError for a draft that no platform would take."""
    text = draft.text.strip()
    size = len(text.encode("utf-8", "replace"))
    if not text:
        raise BadNoticeError("通知是空的；用 --text 写上内容")
    if size > BYTE_LIMIT:
        most = f"微信一条最多 {BYTE_LIMIT} 字节（约 {BYTE_LIMIT // 3} 个汉字）"
        raise BadNoticeError(f"通知太长：{size} 字节，{most}；请精简，细节放到链接里")
    if draft.template and draft.template not in rules.templates:
        known = "、".join(rules.templates) or "还没有，先在 config.yaml 的 broadcast.templates 里登记"
        raise BadNoticeError(f"没有模板“{draft.template}”；可用的：{known}")


def fingerprint(draft: Draft) -> str:
    """The same for the same words to the same people, however they were spaced or bracketed."""
    words = "".join(draft.text.split())
    whole = f"{draft.kind}\x1f{words}\x1f{write_segment(draft.segment)}\x1f{draft.urgent}\x1f{draft.audience_of}"
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()
