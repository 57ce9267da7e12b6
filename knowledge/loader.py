"""Reading a knowledge folder: YAML to entries, all faults at once with file and line. Judges form, not content."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from knowledge.entry import ANYTHING, BLANK, OUT_OF_SCOPE, Dictionary, Entry, Example, KeyDate, Office, School
from knowledge.shaping import Shaper

Place = tuple[str, int]
"""A file, as named from the knowledge folder, and a line of it."""

_NOTHING, _MOST = "-", 3
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
    tells their files and lines, in the same order; `talk_places` those of the examples of `talk`.
    """

    entries: tuple[Entry, ...] = ()
    school: School = field(default_factory=School)
    dictionary: Dictionary = field(default_factory=Dictionary)
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    question_places: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    talk: tuple[Example, ...] = ()
    talk_places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The sound part of a folder, and what was wrong with the rest."""

    library: Library
    faults: tuple[Fault, ...]


def load(folder: Path, *, examples: bool = True) -> Library:
    """The whole folder, or all but the questions and the talk to learn from.

    Raises KnowledgeError, listing every fault, where anything cannot be read.
    """
    reading = read(folder, examples=examples)
    if reading.faults:
        raise KnowledgeError(reading.faults)
    return reading.library


def read(folder: Path, *, examples: bool = True) -> Reading:
    """The sound part of `folder` and all faults.

    It is read from national/*.yaml, school/*.yaml, questions/*.tsv, talk/*.tsv, dictionary.txt and synonyms.txt.
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
    questions, asked_at = reader.read_questions(sorted((folder / "questions").glob("*.tsv")) if examples else ())
    talk, said_at = reader.read_talk(sorted((folder / "talk").glob("*.tsv")) if examples else ())
    library = Library(
        tuple(reader.entries), school, dictionary, synonyms, questions, reader.places, asked_at, talk, said_at
    )
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
        """Adds the sound entries of a file to `entries`; the others, and ids used twice, are faults."""
        for node, value in self._items(path):
            line = node.start_mark.line + 1
            shaper = Shaper(node, value)
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
        """The offices of a file by key; what is blank or missing is empty. One without a name is a fault."""
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
        """The days of a file by key; a day that is blank, or none (a fault), is None."""
        days = {}
        for line, key, value in self._pairs(path, ("name", "day")):
            day = value.get("day")
            if day not in (None, BLANK) and type(day) is not date:
                self.fault(path, line, f"{key}：day 应写成 2027-06-18，现在是 {day}")
                day = None
            days[key] = KeyDate(key, str(value.get("name", key)), day if type(day) is date else None)
        return days

    def read_synonyms(self, path: Path) -> dict[str, tuple[str, ...]]:
        """The aliases of each canonical word; an alias of two words is a fault."""
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
        """The questions of each topic, and beside them the places where they stand. Unknown topics are faults."""
        questions: dict[str, list[str]] = {}
        places: dict[str, list[Place]] = {}
        for path, line, (topic, question) in self._rows(paths, "主题编号<TAB>问法"):
            if self._is_topic(path, line, topic):
                questions.setdefault(topic, []).append(question)
                places.setdefault(topic, []).append((self._name(path), line))
        return (
            {topic: tuple(asked) for topic, asked in questions.items()},
            {topic: tuple(lines) for topic, lines in places.items()},
        )

    def read_talk(self, paths: Iterable[Path]) -> tuple[tuple[Example, ...], tuple[Place, ...]]:
        """The examples of talk, and the place of each. Unknown topics, or too many in one line, are faults."""
        found: dict[Place, Example] = {}
        for path, line, (last, text, asked) in self._rows(
            paths, "上一条的主题（没有写 -）<TAB>话<TAB>主题（几个用 + 连）"
        ):
            topics = tuple(asked.split("+"))
            after = "" if last == _NOTHING else last
            if asked == ANYTHING and after == ANYTHING:
                found[(self._name(path), line)] = Example(text, (), ANYTHING)
            elif ANYTHING in topics:
                self.fault(path, line, f"还在问上一条的，不管上一条是哪个主题：第一列和第三列都写 {ANYTHING}")
            elif not 1 <= len(topics) <= _MOST or after == OUT_OF_SCOPE:
                self.fault(path, line, f"上一条不能是 {OUT_OF_SCOPE}，问的主题最多 {_MOST} 个")
            elif all(self._is_topic(path, line, one) for one in (*topics, after) if one not in ("", ANYTHING)):
                found[(self._name(path), line)] = Example(text, topics, after)
        return tuple(found.values()), tuple(found)

    def _rows(self, paths: Iterable[Path], shape: str) -> Iterator[tuple[Path, int, list[str]]]:
        """The lines of tables with as many columns as `shape` has, all of them filled."""
        for path in paths:
            for line, text in enumerate(self._text(path).splitlines(), start=1):
                if not text.strip() or text.startswith("#"):
                    continue
                columns = [column.strip() for column in text.split("\t")]
                if len(columns) == len(shape.split("<TAB>")) and all(columns):
                    yield path, line, columns
                else:
                    self.fault(path, line, f"应写成 {shape}")

    def _is_topic(self, path: Path, line: int, topic: str) -> bool:
        """Whether there is an entry of this topic; if not, that is a fault."""
        if topic == OUT_OF_SCOPE or any(entry.topic == topic for entry in self.entries):
            return True
        self.fault(path, line, f"没有主题 {topic} 的条目")
        return False

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
