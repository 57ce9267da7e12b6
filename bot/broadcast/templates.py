"""Fills a template's fields, whose values the platform wants short. Pure.

Source: WeChat, 模板消息 and 订阅通知: a field of kind thing takes 20 characters; what is longer is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.channel.messages import TemplateContent

_WORD = re.compile(r"\{(title|text|date)\}")
_WRITE_BACK = "回复任意文字看全文"


@dataclass(frozen=True, slots=True)
class Template:
    """One of the account's templates, as the settings describe it."""

    key: str
    template_id: str
    is_subscription: bool
    fields: Mapping[str, str]
    characters: int


@dataclass(frozen=True, slots=True)
class Filled:
    """The content, and whether the whole text is in it. If not, it says how to get the rest."""

    content: TemplateContent
    is_whole: bool


def fill(template: Template, *, title: str, text: str, at: datetime) -> Filled:
    """The template with `title`, `text` and the date of `at` in its fields, each within the platform's limit."""
    most = template.characters
    one_line = " ".join(text.split())
    has_text = any("{text}" in pattern for pattern in template.fields.values())
    is_whole = has_text and len(one_line) <= most and one_line == text.strip()
    shown = one_line if is_whole else _WRITE_BACK
    words = {"title": title or _cut(one_line, most), "text": shown, "date": f"{at:%Y-%m-%d %H:%M}"}
    values = tuple(
        (name, _cut(_WORD.sub(lambda found: words[found.group(1)], pattern), most))  # once: a text is no pattern
        for name, pattern in template.fields.items()
    )
    return Filled(TemplateContent(template.template_id, values), is_whole=is_whole)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
