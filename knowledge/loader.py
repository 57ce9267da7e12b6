"""Reading a knowledge folder: YAML to entries, all faults at once with file and line. Judges form, not content."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from knowledge.entry import BLANK, OUT_OF_SCOPE, Dictionary, Entry, KeyDate, Office, Rumour, School, Source

REQUIRED = ("id", "title", "short", "facets", "sources", "owner", "last_verified", "valid_until", "variants")
OPTIONAL = ("cases", "rumours", "deadline", "office", "audience", "related")
_SOURCE_KEYS = ("name", "date", "grade", "supports", "url", "number")

Place = tuple[str, int]
"""A file, as named from the knowledge folder, and a line of it."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Something wrong at a place. `line` counts from 1; 0 means the whole file."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.message}" if self.line else f"{self.path} {self.message}"


class KnowledgeError(Exception):
    """The knowledge folder has faults; `faults` lists them all."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Library:
    """What a knowledge folder holds. `places` tells file and line of each entry id.

    `questions` are further ways to ask, by topic; those of the topic out_of_scope are none of ours. `question_places`
    tells their files and lines, in the same order.
    """

    entries: tuple[Entry, ...] = ()
    school: School = field(default_factory=School)
    dictionary: Dictionary = field(default_factory=Dictionary)
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    question_places: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """The sound part of a folder, and what was wrong with the rest."""

    library: Library
    faults: tuple[Fault, ...]


def load(folder: Path) -> Library:
    """The whole folder. Raises KnowledgeError, listing every fault, where anything cannot be read."""
    reading = read(folder)
    if reading.faults:
        raise KnowledgeError(reading.faults)
    return reading.library


def read(folder: Path) -> Reading:
    """The sound part of `folder` and all faults.

    It is read from national/*.yaml, school/*.yaml, questions/*.tsv, dictionary.txt and synonyms.txt.
    """
    reader = _Reader(folder)
    files = sorted((folder / "national").glob("**/*.yaml"))
    if not files:
        reader.fault(folder / "national", 0, "没有条目文件（*.yaml）")
    for path in files:
        reader.read_entries(path)
    school = School(
        reader.read_offices(folder / "school/offices.yaml"), reader.read_days(folder / "school/calendar.yaml")
    )
    dictionary = reader.read_dictionary(folder / "dictionary.txt")
    synonyms = reader.read_synonyms(folder / "synonyms.txt")
    questions, asked_at = reader.read_questions(sorted((folder / "questions").glob("*.tsv")))
    library = Library(tuple(reader.entries), school, dictionary, synonyms, questions, reader.places, asked_at)
    return Reading(library, tuple(sorted(reader.faults)))


class _Reader:
    """Walks the files and collects entries and faults."""

    def __init__(self, folder: Path) -> None:
        self.entries: list[Entry] = []
        self.faults: list[Fault] = []
        self.places: dict[str, Place] = {}
        self._folder = folder

    def fault(self, path: Path, line: int, message: str) -> None:
        self.faults.append(Fault(self._name(path), line, message))

    def read_entries(self, path: Path) -> None:
        for node, value in self._items(path):
            line = node.start_mark.line + 1
            shaper = _Shaper(node, value)
            entry = shaper.entry()
            self.faults.extend(Fault(self._name(path), at, message) for at, message in shaper.faults)
            if entry is None:
                continue
            if entry.id in self.places:
                other, other_line = self.places[entry.id]
                self.fault(path, line, f"id {entry.id} 已在 {other}:{other_line} 用过")
                continue
            self.places[entry.id] = (self._name(path), line)
            self.entries.append(entry)

    def read_offices(self, path: Path) -> dict[str, Office]:
        offices = {}
        for line, key, value in self._pairs(path, ("name", "phone", "place", "hours")):
            filled = {name: "" if text in (None, BLANK) else str(text).strip() for name, text in value.items()}
            if not filled.get("name"):
                self.fault(path, line, f"{key}：缺 name")
                continue
            offices[key] = Office(
                key, filled["name"], filled.get("phone", ""), filled.get("place", ""), filled.get("hours", "")
            )
        return offices

    def read_days(self, path: Path) -> dict[str, KeyDate]:
        days = {}
        for line, key, value in self._pairs(path, ("name", "day")):
            day = value.get("day")
            if day not in (None, BLANK) and type(day) is not date:
                self.fault(path, line, f"{key}：day 应写成 2027-06-18，现在是 {day}")
                day = None
            days[key] = KeyDate(key, str(value.get("name", key)), day if type(day) is date else None)
        return days

    def read_synonyms(self, path: Path) -> dict[str, tuple[str, ...]]:
        synonyms: dict[str, tuple[str, ...]] = {}
        owners: dict[str, str] = {}
        for line, text in self._numbered(path):
            canonical, equals, aliases = (part.strip() for part in text.partition("="))
            if not equals or not canonical or not aliases:
                self.fault(path, line, "应写成：报到证 = 派遣证 就业报到证")
                continue
            for alias in aliases.split():
                if owners.setdefault(alias, canonical) != canonical:
                    self.fault(path, line, f"“{alias}”已是“{owners[alias]}”的同义词")
            synonyms[canonical] = (*synonyms.get(canonical, ()), *aliases.split())
        return synonyms

    def read_questions(self, paths: Iterable[Path]) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[Place, ...]]]:
        questions: dict[str, list[str]] = {}
        places: dict[str, list[Place]] = {}
        topics = {OUT_OF_SCOPE, *(entry.topic for entry in self.entries)}
        for path in paths:
            name = self._name(path)
            for line, text in enumerate(self._text(path).splitlines(), start=1):
                topic, tab, question = text.partition("\t")
                if not text.strip() or text.startswith("#"):
                    continue
                if not tab or not question.strip():
                    self.fault(path, line, "应写成 主题编号<TAB>问法")
                elif topic not in topics:
                    self.fault(path, line, f"没有主题 {topic} 的条目")
                else:
                    questions.setdefault(topic, []).append(question.strip())
                    places.setdefault(topic, []).append((name, line))
        return (
            {topic: tuple(asked) for topic, asked in questions.items()},
            {topic: tuple(lines) for topic, lines in places.items()},
        )

    def read_dictionary(self, path: Path) -> Dictionary:
        lines = [text for _, text in self._numbered(path)]
        modifiers = tuple(word for text in lines if text.startswith("~") for word in text[1:].split())
        subjects = tuple(word for text in lines if not text.startswith("~") for word in text.split())
        return Dictionary(subjects, modifiers)

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._folder)) if path.is_relative_to(self._folder) else str(path)

    def _numbered(self, path: Path) -> Iterator[tuple[int, str]]:
        text = self._text(path) if path.exists() else ""
        for line, content in enumerate(text.splitlines(), start=1):
            if bare := content.partition("#")[0].strip():
                yield line, bare

    def _text(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.fault(path, 0, f"读不出来：{error}")
            return ""

    def _compose(self, path: Path) -> tuple[yaml.Node | None, Any]:
        loader = _Loader(self._text(path))
        try:
            node = loader.get_single_node()
            return node, None if node is None else loader.construct_document(node)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or str(error)
            self.fault(path, mark.line + 1 if mark else 0, f"不是合格的 YAML：{problem}")
            return None, None
        finally:
            loader.dispose()

    def _items(self, path: Path) -> Iterator[tuple[yaml.Node, Any]]:
        node, value = self._compose(path)
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            self.fault(path, 1, "一个文件应是一个列表，每条以 - id: 开头")
            return
        yield from zip(node.value, value, strict=True)

    def _pairs(self, path: Path, allowed: tuple[str, ...]) -> Iterator[tuple[int, str, dict[str, Any]]]:
        if not path.exists():
            return
        node, value = self._compose(path)
        if not isinstance(node, yaml.MappingNode):
            return
        for (key_node, _), (key, content) in zip(node.value, value.items(), strict=False):
            line = key_node.start_mark.line + 1
            if not isinstance(content, dict):
                self.fault(path, line, f"{key}：应写成 {{{', '.join(allowed)}}}")
                continue
            for unknown in content.keys() - set(allowed):
                self.fault(path, line, f"{key}：不认识 {unknown}，可用的有 {' '.join(allowed)}")
            yield line, str(key), content


class _Shaper:
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
