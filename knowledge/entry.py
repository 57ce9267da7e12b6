"""What a knowledge entry is: frozen dataclasses and the words they may use. Reading YAML is loader.py's work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

FACETS: Mapping[str, str] = {
    "how": "怎么办",
    "materials": "要带什么",
    "where": "在哪办",
    "when": "什么时候",
    "cost": "多少钱",
    "agent": "能代办吗",
    "late": "逾期或办错了会怎样",
    "who": "哪些人要办",
    "check": "怎么查办好了没有",
    "contact": "找谁",
}
"""Every facet an entry may have, with the words that stand before it when it is shown alone."""

CASES: tuple[str, ...] = (
    "就业", "升学", "出国", "入伍", "创业", "灵活就业", "基层项目", "未就业", "延长学制", "结业",
    "本科", "硕士", "博士", "党员", "预备党员", "团员", "户口在校", "户口不在校", "贷款", "往届",
)  # fmt: skip
"""Case keys a student's profile can choose by; an entry may use its own words beside them (at most 12 characters)."""

AUDIENCES: tuple[str, ...] = ("本科", "硕士", "博士", "往届")
GRADES: tuple[str, ...] = ("A", "B", "C")

SHORT_LIMIT = 120
CASE_LIMIT = 12
VARIANTS_MINIMUM = 12
BLANK = "【请学校填写】"
OUT_OF_SCOPE = "out_of_scope"
"""The topic of questions that are not ours: learnt like any other, and never answered."""

_INNER_QUOTES = str.maketrans("“”", "‘’")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement comes from. Grade A is an issuing authority, B an official explanation, C anything else."""

    name: str
    date: str
    grade: str
    supports: tuple[str, ...]
    url: str = ""
    number: str = ""


ANYTHING = "*"


@dataclass(frozen=True, slots=True, order=True)
class Example:
    """An example of talk: what `text` asks (one topic, or two in their order), said after topic `after` was answered.

    Without `after` nothing was said before. ANYTHING stands for every topic; without `topics` it asks of that one.
    """

    text: str
    topics: tuple[str, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Rumour:
    """Something students hear that is wrong, and what is right."""

    claim: str
    truth: str

    def __str__(self) -> str:
        return f"“{self.claim.translate(_INNER_QUOTES)}”——{self.truth}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One curated answer.

    `id` is a topic of the topic list, or `topic/detail` for a finer entry. `short` stands alone and has at most 120
    characters. `deadline` is a key of the school's calendar, `office` a key of the school's offices. `related` holds
    entry ids. `variants` are whole questions as students ask them, at least twelve. `last_verified` is None as long as
    nobody has checked the entry, and the answer says so.
    """

    id: str
    title: str
    short: str
    facets: Mapping[str, str]
    sources: tuple[Source, ...]
    owner: str
    last_verified: date | None
    valid_until: date
    variants: tuple[str, ...]
    cases: Mapping[str, str] = field(default_factory=dict)
    rumours: tuple[Rumour, ...] = ()
    deadline: str = ""
    office: str = ""
    audience: tuple[str, ...] = ()
    related: tuple[str, ...] = ()

    @property
    def topic(self) -> str:
        """The topic id: the part of `id` before the slash."""
        return self.id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Office:
    """Whom to ask at this school. An empty string means that the school has not filled it in."""

    key: str
    name: str
    phone: str = ""
    place: str = ""
    hours: str = ""


@dataclass(frozen=True, slots=True)
class KeyDate:
    """A date of this school's season; None until the school has filled it in."""

    key: str
    name: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class School:
    """What only the school can know: its offices and its dates, by key."""

    offices: Mapping[str, Office] = field(default_factory=dict)
    calendar: Mapping[str, KeyDate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Words that are not cut apart: `subjects` say what a question is about, `modifiers` only how or which."""

    subjects: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
