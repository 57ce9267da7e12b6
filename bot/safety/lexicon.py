"""Reading the lexicon from its YAML files, with every fault named by file and line."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import yaml

from bot.errors import UserFacingError
from bot.safety.gathering import Gathering
from bot.safety.literals import demands_of
from bot.safety.matching import Guard, Kind, Lexicon, Meaning, Pattern, Persons, build_lexicon
from bot.safety.models import CATEGORY_LABELS, Level
from bot.safety.text import Rewriting

DATA_FOLDER = Path(__file__).parent / "data"
_SECTIONS = frozenset({"words", "signals", "guards", "rewritings", "persons", "gathering"})
_SIGNAL_KEYS = frozenset({"category", "level", "kind", "terms", "patterns", "about", "like", "unlike"})
_EXPRESSIONS = ("hit", "before", "after", "sentence", "whole", "unless")
_GUARD_KEYS = frozenset({"name", "kinds", "lowers_to", *_EXPRESSIONS})
_PERSON_KEYS = frozenset({"other", "self", "reported", "not_subject", "after", "worry"})
_GATHERING_KEYS = frozenset({"category", "reach", "leaving", "grave", "orange", "red"})
_PLACEHOLDER = re.compile(r"<([a-z_]+)>")
_MISSING = object()
_T = TypeVar("_T")


class LexiconError(UserFacingError):
    """The distress lexicon has faults."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(f"预警词库有 {len(faults)} 处问题：\n" + "\n".join(f"· {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence that a group of signals promises to see (or not to see), with the place that promises it."""

    text: str
    category: str
    seen: bool
    where: str


def load_lexicon(folder: Path = DATA_FOLDER, *, extra: Sequence[Path] = ()) -> Lexicon:
    """The lexicon of the YAML files in `folder`/lexicon, and of `extra` ones on trial.

    Raises LexiconError with every fault by file and line.
    """
    draft = _read(folder / "lexicon", extra)
    if draft.faults:
        raise LexiconError(draft.faults)
    return draft.finish()


def read_examples(folder: Path = DATA_FOLDER) -> list[Example]:
    """The `like` and `unlike` sentences of the lexicon's groups. Raises LexiconError as load_lexicon does."""
    draft = _read(folder / "lexicon")
    if draft.faults:
        raise LexiconError(draft.faults)
    return draft.examples


@dataclass(frozen=True, slots=True)
class _Item:
    """One entry of a section: its values, and the line each stands on."""

    file: str
    node: yaml.MappingNode
    values: dict[str, Any]

    def line(self, key: str = "", index: int = 0) -> str:
        for name, value in self.node.value:
            if name.value == key:
                child = value.value[index] if isinstance(value, yaml.SequenceNode) and value.value else value
                return f"{self.file}:{child.start_mark.line + 1}"
        return f"{self.file}:{self.node.start_mark.line + 1}"


@dataclass
class _Draft:
    """What is read so far, and what is wrong with it."""

    faults: list[str] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    rewritings: list[Rewriting] = field(default_factory=list)
    terms: dict[str, Meaning] = field(default_factory=dict)
    term_places: dict[str, str] = field(default_factory=dict)
    patterns: list[Pattern] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    persons: Persons | None = None
    gathering: Gathering | None = None
    part_places: dict[str, str] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)

    def finish(self) -> Lexicon:
        assert self.persons is not None  # noqa: S101 - _read reports the missing section as a fault
        assert self.gathering is not None  # noqa: S101 - likewise
        return build_lexicon(
            rewritings=self.rewritings,
            terms=self.terms,
            patterns=self.patterns,
            guards=self.guards,
            persons=self.persons,
            gathering=self.gathering,
        )

    def compile(self, expression: object, where: str) -> re.Pattern[str] | None:
        """The expression with its <words> filled in; None and a fault if it does not compile."""
        if not isinstance(expression, str) or not expression:
            self.faults.append(f"{where} 应为正则表达式")
            return None
        unknown = [name for name in _PLACEHOLDER.findall(expression) if name not in self.words]
        if unknown:
            self.faults.append(f"{where} 用到未定义的词组 <{unknown[0]}>")
            return None
        try:
            return re.compile(_PLACEHOLDER.sub(lambda match: f"(?:{self.words[match[1]]})", expression))
        except re.error as error:
            self.faults.append(f"{where} 正则表达式写错了：{error}")
            return None

    def word(self, item: _Item) -> None:
        for name, expression in item.values.items():
            compiled = self.compile(expression, item.line(name))
            if compiled is not None:
                self.words[name] = compiled.pattern

    def rewriting(self, item: _Item) -> None:
        means = item.values.get("means")
        pattern = self.compile(item.values.get("match"), item.line("match"))
        hint = item.values.get("hint")
        if not isinstance(means, str) or not isinstance(hint, str) or not hint:
            self.faults.append(f"{item.line()} 要有 match、means 和 hint")
        elif pattern is not None and pattern.groups:
            self.faults.append(f"{item.line('match')} 不能有捕获组，请用 (?:…)")
        elif pattern is not None:
            self.rewritings.append(Rewriting(pattern.pattern, means, hint))

    def signal(self, item: _Item) -> None:
        values = item.values
        self.unknown_keys(item, _SIGNAL_KEYS)
        kind = self.choice(item, "kind", Kind, Kind)
        level = self.choice(item, "level", Level.from_word, [level.word for level in Level])
        category = str(values.get("category", ""))
        if kind is Kind.PART:
            self.part_places.setdefault(category, item.line("category"))
        elif category not in CATEGORY_LABELS and kind is not Kind.HARMLESS:
            self.faults.append(f"{item.line('category')} 不认识的 category：{category}")
        if kind is None or level is None:
            return
        meaning = Meaning(category, level, kind, other=values.get("about") == "other")
        for index, term in enumerate(values.get("terms") or ()):
            self.term(str(term), meaning, item.line("terms", index))
        for index, expression in enumerate(values.get("patterns") or ()):
            self.pattern(expression, meaning, item.line("patterns", index))
        for key, seen in (("like", True), ("unlike", False)):
            for index, text in enumerate(values.get(key) or ()):
                self.examples.append(Example(str(text), category, seen, item.line(key, index)))

    def pattern(self, expression: object, meaning: Meaning, where: str) -> None:
        compiled = self.compile(expression, where)
        demands = demands_of(compiled) if compiled is not None else ()
        if compiled is not None and not demands:
            self.faults.append(f"{where} 模式里要有必然出现的字词，否则每条消息都要试一遍")
        elif compiled is not None:
            name = f"{where.partition('.')[0]}~{sha256(str(expression).encode()).hexdigest()[:4]}"
            self.patterns.append(Pattern(name, compiled, meaning, demands))

    def term(self, term: str, meaning: Meaning, where: str) -> None:
        if not term.strip():
            self.faults.append(f"{where} 空的词")
        elif term in self.terms:
            self.faults.append(f"{where} 词“{term}”已在 {self.term_places[term]} 出现过")
        else:
            self.terms[term] = meaning
            self.term_places[term] = where

    def guard(self, item: _Item) -> None:
        self.unknown_keys(item, _GUARD_KEYS)
        kinds = [kind for kind in item.values.get("kinds") or () if kind in list(Kind)]
        if not kinds or len(kinds) != len(item.values["kinds"]):
            self.faults.append(f"{item.line('kinds')} kinds 应取自 {'、'.join(Kind)}")
        level = self.choice(item, "lowers_to", Level.from_word, [level.word for level in Level])
        anchors: dict[str, Callable[[str], str]] = {"before": "(?:{})$".format, "after": "(?:{})".format}
        given = {
            key: self.compile(anchors.get(key, str)(item.values[key]), item.line(key))
            for key in _EXPRESSIONS
            if key in item.values
        }
        if level is not None:
            name = str(item.values.get("name", ""))
            self.guards.append(Guard(name, frozenset(map(Kind, kinds)), level, **given))

    def person(self, item: _Item) -> None:
        self.unknown_keys(item, _PERSON_KEYS)
        compiled = {key: self.compile(item.values.get(key), item.line(key)) for key in sorted(_PERSON_KEYS)}
        if all(compiled.values()):
            self.persons = Persons(**{("self_" if key == "self" else key): value for key, value in compiled.items()})  # type: ignore[arg-type]

    def gather(self, item: _Item) -> None:
        """The weights stand in the two lists, each as “name: weight”."""
        self.unknown_keys(item, _GATHERING_KEYS)
        values = item.values
        try:
            leaving, grave = (
                {name: int(weight) for name, weight in values[key].items()} for key in ("leaving", "grave")
            )
            levels = {Level.ORANGE: int(values["orange"]), Level.RED: int(values["red"])}
            reach = int(values["reach"])
        except (KeyError, ValueError, AttributeError):
            self.faults.append(f"{item.line()} 要有 category、reach、leaving、grave、orange、red，权重和界限都是整数")
            return
        category = str(values.get("category", ""))
        if category not in CATEGORY_LABELS:
            self.faults.append(f"{item.line('category')} 不认识的 category：{category}")
        for name in self.part_places.keys() ^ (leaving.keys() | grave.keys()):
            where = self.part_places.get(name, item.line())
            self.faults.append(f"{where} 部分 {name} 要在 signals 和 gathering 里都有")
        self.gathering = Gathering(category, leaving | grave, frozenset(leaving), frozenset(grave), levels, reach)

    def unknown_keys(self, item: _Item, known: frozenset[str]) -> None:
        for key in item.values.keys() - known:
            self.faults.append(f"{item.line(key)} 不认识的字段 {key}")

    def choice(self, item: _Item, key: str, make: Callable[[Any], _T], allowed: Any) -> _T | None:
        try:
            return make(item.values.get(key, _MISSING))
        except (KeyError, ValueError, AttributeError):
            self.faults.append(f"{item.line(key)} {key} 应为 {'、'.join(allowed)} 之一")
            return None


def _read(folder: Path, extra: Sequence[Path] = ()) -> _Draft:
    draft = _Draft()
    sections = {"words": draft.word, "rewritings": draft.rewriting, "signals": draft.signal}
    sections |= {"guards": draft.guard, "persons": draft.person, "gathering": draft.gather}
    files = [(path.name, _document(path, draft)) for path in (*sorted(folder.glob("*.yaml")), *extra)]
    if not files:
        draft.faults.append(f"{folder} 里没有 .yaml 文件")
    for section, take in sections.items():  # words first: the others are written with them
        for name, document in files:
            for item in _items(name, document, section, draft):
                take(item)
    for section, read in (("persons", draft.persons), ("gathering", draft.gathering)):
        if read is None and not draft.faults:
            draft.faults.append(f"{folder} 缺少 {section} 一节")
    return draft


def _document(path: Path, draft: _Draft) -> yaml.MappingNode | None:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        draft.faults.append(f"{path.name}:{line} YAML 写错了：{error.problem}")
        return None
    if not isinstance(node, yaml.MappingNode):
        draft.faults.append(f"{path.name}:1 应以 {'、'.join(sorted(_SECTIONS))} 开头")
        return None
    for key, _ in node.value:
        if key.value not in _SECTIONS:
            draft.faults.append(f"{path.name}:{key.start_mark.line + 1} 不认识的部分 {key.value}")
    return node


def _items(name: str, document: yaml.MappingNode | None, section: str, draft: _Draft) -> Iterator[_Item]:
    """The entries of one section: a list of mappings, or one mapping that stands for itself."""
    for key, value in document.value if document else ():
        if key.value != section:
            continue
        for child in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if isinstance(child, yaml.MappingNode):
                yield _Item(name, child, _plain(child))
            else:
                draft.faults.append(f"{name}:{child.start_mark.line + 1} 应为“字段: 值”")


def _plain(node: yaml.MappingNode) -> dict[str, Any]:
    """Scalars as text, whatever they look like (no 是否 turned into booleans), lists as lists, mappings as mappings."""
    return {key.value: _value(value) for key, value in node.value}


def _value(node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [child.value for child in node.value]
    if isinstance(node, yaml.MappingNode):
        return {key.value: value.value for key, value in node.value}
    return node.value
