"""Splits long texts into messages that a platform takes: on a sentence where that can be, never inside a character."""

import re

BYTE_LIMIT = 2048
"""UTF-8 bytes in one text message, WeChat's and WeCom's limit."""

_BREAKS = (
    re.compile(r"\n\n+"),
    re.compile(r"\n"),
    re.compile(r"[。！？!?；;…]+[”』」）)]*"),
    re.compile(r"[，,、：:]"),
    re.compile(r"\s"),
)
_JOINER = "\u200d"
_GLUED = re.compile("[\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")


def split_text(text: str, limit: int = BYTE_LIMIT) -> list[str]:
    """The text in parts of at most `limit` UTF-8 bytes, none blank; joined they give all that is not white space.

    Breaks after a paragraph, else a line, a sentence, a comma, a space; else between two characters. An emoji made
    of several code points stays whole where it fits. Empty or blank text gives no part.
    """
    parts = []
    rest = text.strip()
    while len(rest.encode("utf-8", "replace")) > limit:
        cut = _cut(rest, limit)
        part, rest = rest[:cut].rstrip(), rest[cut:].lstrip()
        if part:
            parts.append(part)
    return [*parts, rest] if rest else parts


def _cut(text: str, limit: int) -> int:
    """Where to cut so that what is before fits into `limit` bytes; at least one character."""
    most = len(text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore"))
    window = text[:most]
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(window)]
        if ends and ends[-1] >= most // 3:
            return ends[-1]
    cut = most
    while cut > 0 and (_GLUED.match(text, cut) or text[cut - 1] == _JOINER):
        cut -= 1
    return cut or most or 1
