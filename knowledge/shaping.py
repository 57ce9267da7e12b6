"""From one YAML item to an Entry: what is missing, unknown or of the wrong form, with its line."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import yaml

from knowledge.entry import Entry, Rumour, Source

REQUIRED = ("id", "title", "short", "facets", "sources", "owner", "last_verified", "valid_until", "variants")
OPTIONAL = ("cases", "rumours", "deadline", "office", "audience", "related")
_SOURCE_KEYS = ("name", "date", "grade", "supports", "url", "number")


class Shaper:
    """Turns one YAML item into an Entry, noting what does not fit, with its line."""

    def __init__(self, node: yaml.Node, value: Any) -> None:
        self.faults: list[tuple[int, str]] = []
        self._node = node
        self._value = value
        self._lines: dict[str, int] = {}
        self._repeated: list[str] = []
        if isinstance(node, yaml.MappingNode):
            self._lines = {key.value: key.start_mark.line + 1 for key, _ in node.value}
            self._repeated = [key for key in self._lines if sum(other.value == key for other, _ in node.value) > 1]

    def entry(self) -> Entry | None:
        """The entry, or None where a fault makes it unusable."""
        value = self._value
        if not isinstance(value, dict):
            self._fault("", "每条应是 键: 值")
            return None
        known = (*REQUIRED, *OPTIONAL)
        for key in value:
            if key not in known:
                self._fault(str(key), f"不认识 {key}，可用的有 {' '.join(known)}")
        for key in self._repeated:
            self._fault(key, f"{key} 写了两遍")
        missing = [key for key in REQUIRED if key not in value]
        if missing:
            self._fault("", f"{value.get('id', '这一条')} 缺 {' '.join(missing)}")
        entry = Entry(
            id=self._text("id"),
            title=self._text("title"),
            short=self._text("short"),
            facets=self._texts_by_key("facets"),
            sources=tuple(self._sources()),
            owner=self._text("owner"),
            last_verified=self._day("last_verified"),
            valid_until=self._day("valid_until") or date.min,
            variants=self._texts("variants"),
            cases=self._texts_by_key("cases"),
            rumours=tuple(self._rumours()),
            deadline=self._text("deadline"),
            office=self._text("office"),
            audience=self._texts("audience"),
            related=self._texts("related"),
        )
        return None if self.faults else entry

    def _fault(self, key: str, message: str) -> None:
        self.faults.append((self._lines.get(key, self._node.start_mark.line + 1), message))

    def _text(self, key: str) -> str:
        value = self._value.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._fault(key, f"{key} 应是文字")
            return ""
        return value.strip()

    def _day(self, key: str) -> date | None:
        value: date | None = self._value.get(key)
        if value is not None and type(value) is not date:
            self._fault(key, f"{key} 应写成 2027-08-31，现在是 {value}")
            return None
        if value is None and key == "valid_until" and key in self._value:
            self._fault(key, "valid_until 不能为空")
        return value

    def _texts(self, key: str) -> tuple[str, ...]:
        value = self._value.get(key) or []
        if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
            self._fault(key, f"{key} 应是一列文字，例如 [甲, 乙]（数字、是否、日期要加引号）")
            return ()
        return tuple(text.strip() for text in value)

    def _texts_by_key(self, key: str) -> dict[str, str]:
        value = self._value.get(key) or {}
        if not isinstance(value, dict) or not all(
            isinstance(name, str) and isinstance(text, str) for name, text in value.items()
        ):
            self._fault(key, f"{key} 应是 键: 文字")
            return {}
        return {name.strip(): text.strip() for name, text in value.items()}

    def _items(self, key: str, required: tuple[str, ...], allowed: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        value = self._value.get(key) or []
        if not isinstance(value, list):
            self._fault(key, f"{key} 应是一个列表")
            return
        for item in value:
            if not isinstance(item, dict):
                self._fault(key, f"{key} 的每一项应写成 {{{', '.join(required)}}}")
            elif missing := [name for name in required if not item.get(name)]:
                self._fault(key, f"{key} 有一项缺 {' '.join(missing)}")
            elif unknown := [str(name) for name in item if name not in allowed]:
                self._fault(key, f"{key} 里不认识 {' '.join(unknown)}，可用的有 {' '.join(allowed)}")
            else:
                yield item

    def _sources(self) -> Iterator[Source]:
        for item in self._items("sources", _SOURCE_KEYS[:4], _SOURCE_KEYS):
            supports = item["supports"]
            if not isinstance(supports, list):
                self._fault("sources", "supports 应是一列文字")
                continue
            yield Source(
                str(item["name"]).strip(), str(item["date"]), str(item["grade"]), tuple(map(str, supports)),
                str(item.get("url") or ""), str(item.get("number") or ""),
            )  # fmt: skip

    def _rumours(self) -> Iterator[Rumour]:
        for item in self._items("rumours", ("claim", "truth"), ("claim", "truth")):
            yield Rumour(str(item["claim"]).strip(), str(item["truth"]).strip())
