"""Decisions as the student reads them: one bubble, the important first. Chinese texts live here; nothing is decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from knowledge.base import KnowledgeBase
from knowledge.decisions import Abstain, Decision, Hit, Suggestions
from knowledge.entry import FACETS, Entry

BYTE_LIMIT = 2048
"""WeChat's limit for one text message, in UTF-8 bytes."""

_UNKNOWN = "以学校通知为准"
_NOT_FOUND = (
    "这个我没有把握，不乱答。\n\n我能答毕业离校的事：档案、户口、去向登记、三方、党团关系、助学贷款、退宿、毕业证、离校手续、防骗、心理支持。"
    "换个说法再问，例如“档案怎么转”。\n\n要找老师，回复“人工”。"
)
_UNSURE = "你问的是哪一个？回复数字："
_NEITHER = "都不是，就换个说法，或回复“人工”找老师。"
_THIS = "你问的是这个吗？是就回复数字 1："
_NOT_THIS = "不是，就换个说法，或回复“人工”找老师。"
_MISSING_FACET = "“{label}”这一点我没有核对过的说法，{unknown}。"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A piece of a bubble that stays whole or goes whole. Higher `rank` goes first; rank 0 always stays."""

    text: str
    rank: int


def render(decision: Decision, base: KnowledgeBase, today: date) -> str:
    """The text for the student, at most 2,048 bytes, whole paragraphs only."""
    if isinstance(decision, Abstain):
        return _NOT_FOUND
    if isinstance(decision, Suggestions):
        asked, otherwise = (_UNSURE, _NEITHER) if len(decision.hits) > 1 else (_THIS, _NOT_THIS)
        return "\n".join((asked, *_numbered([hit.title for hit in decision.hits]), "", otherwise))
    if len(decision.hits) == 1:
        paragraphs = _answer(decision.hit, base, today)
    else:
        paragraphs = [paragraph for hit in decision.hits for paragraph in _brief(hit, base, today)]
    related = base.related(decision)
    if related:
        line = "　".join(_numbered([entry.title for entry in related]))
        paragraphs.append(Paragraph(f"回复数字：{line}", 4))
    return fit(paragraphs)


def fit(paragraphs: Sequence[Paragraph], limit: int = BYTE_LIMIT) -> str:
    """The paragraphs joined by empty lines; where they exceed `limit` bytes the least important are left out whole."""
    kept = [paragraph for paragraph in paragraphs if paragraph.text]
    while len(kept) > 1 and _size(kept) > limit:
        worst = max(range(len(kept)), key=lambda at: (kept[at].rank, at))
        del kept[worst]
    return "\n\n".join(paragraph.text for paragraph in kept)


def deadline_line(entry: Entry, base: KnowledgeBase, today: date) -> str:
    """How long there is still time, or that the school says when; empty where the entry has no deadline."""
    key_date = base.school.calendar.get(entry.deadline)
    if key_date is None:
        return ""
    if key_date.day is None:
        return f"{key_date.name}：{_UNKNOWN}。"
    left = (key_date.day - today).days
    spelled = f"{key_date.day.month}月{key_date.day.day}日"
    if left > 0:
        return f"{key_date.name}还有 {left} 天（{spelled}）。"
    return (
        f"{key_date.name}就是今天（{spelled}）。"
        if left == 0
        else f"{key_date.name}已过（{spelled}），尽快联系负责部门。"
    )


def office_line(entry: Entry, base: KnowledgeBase) -> str:
    """Whom to ask at this school; blanks are said to be the school's to announce."""
    office = base.school.offices.get(entry.office)
    if office is None:
        return ""
    known = [part for part in (office.place, office.phone, office.hours) if part]
    if not known:
        return f"找谁：{office.name}（地点、电话、时间{_UNKNOWN}）"
    return f"找谁：{office.name} · " + " · ".join(known)


def source_line(entry: Entry, today: date) -> str:
    """What the answer rests on, when it was checked, and whether that is too long ago."""
    lines = []
    if entry.sources:
        more = " 等" if len(entry.sources) > 1 else ""
        checked = f" · {entry.last_verified.isoformat()[:7]} 核对" if entry.last_verified else ""
        lines.append(f"依据 {entry.sources[0].name}{more}{checked}")
    if entry.valid_until < today:
        lines.append(f"注意：这条的有效期到 {entry.valid_until.isoformat()}，已经过期，可能有变化，{_UNKNOWN}。")
    elif entry.last_verified is None:
        lines.append(f"注意：这条还没有人核对过，{_UNKNOWN}。")
    return "\n".join(lines)


def _answer(hit: Hit, base: KnowledgeBase, today: date) -> list[Paragraph]:
    entry = base.get_entry(hit.entry_id)
    source = Paragraph(source_line(entry, today), 1)
    deadline = Paragraph(deadline_line(entry, base, today), 2)
    if entry.topic.startswith("meta."):
        return [Paragraph(entry.short, 0), *(Paragraph(text, 3) for text in entry.facets.values())]
    asked = [Paragraph(text, 0) for text in _asked(hit, entry, base, today)]
    if hit.follow_up:
        return [*asked, deadline, source] if hit.facets != ("when",) else [*asked, source]
    shown = {facet for facet in hit.facets if facet != "how"}
    if deadline.text and _UNKNOWN in entry.facets.get("when", ""):
        shown.add("when")  # the deadline says it; said twice it only makes the bubble longer
    rest = [
        Paragraph(f"你要做的：\n{entry.facets['how']}" if "how" in entry.facets else "", 1),
        *(
            _plain(entry, facet, rank)
            for facet, rank in (("materials", 3), ("where", 3), ("when", 5))
            if facet not in shown
        ),
        deadline,
        Paragraph("" if "contact" in shown else office_line(entry, base), 4),
        _rumour(hit, entry),
    ]
    return [Paragraph(entry.short, 0), *asked, *rest, source]


def _rumour(hit: Hit, entry: Entry) -> Paragraph:
    """One rumour that the entry corrects: the one the student said, or else the first, if there is room for it."""
    said = next((rumour for rumour in entry.rumours if rumour.claim == hit.variant), None)
    shown = said or next(iter(entry.rumours), None)
    return Paragraph(f"常见误传：{shown}" if shown else "", 1 if said else 6)


def _asked(hit: Hit, entry: Entry, base: KnowledgeBase, today: date) -> list[str]:
    """The facets and cases that the question names."""
    texts = []
    for facet in hit.facets:
        if facet == "how" and not hit.follow_up:
            continue
        text = entry.facets.get(facet, "")
        label = FACETS[facet]
        if facet == "contact":
            texts.append("\n".join(part for part in (text, office_line(entry, base)) if part))
        elif facet == "when" and not text:
            texts.append(deadline_line(entry, base, today) or _MISSING_FACET.format(label=label, unknown=_UNKNOWN))
        elif text:
            texts.append(f"{label}：{text}" if "\n" not in text else f"{label}：\n{text}")
        elif hit.follow_up:
            missing = _MISSING_FACET.format(label=label, unknown=_UNKNOWN)
            texts.append("\n".join(part for part in (f"{entry.title}：{missing}", office_line(entry, base)) if part))
    texts.extend(f"{case}：{entry.cases[case]}" for case in hit.cases)
    return texts or ([entry.short] if hit.follow_up else [])


def _brief(hit: Hit, base: KnowledgeBase, today: date) -> list[Paragraph]:
    """One of two answers in a bubble: what to know and what to do, under its title."""
    entry = base.get_entry(hit.entry_id)
    asked = [Paragraph(text, 1) for text in _asked(hit, entry, base, today)]
    return [
        Paragraph(f"【{entry.title}】\n{entry.short}", 0),
        *asked,
        Paragraph(entry.facets.get("how", "") if not asked else "", 2),
        Paragraph(deadline_line(entry, base, today), 3),
        Paragraph(source_line(entry, today), 1),
    ]


def _plain(entry: Entry, facet: str, rank: int) -> Paragraph:
    text = entry.facets.get(facet, "")
    if not text:
        return Paragraph("", rank)
    label = {"materials": "要带：", "where": "", "when": ""}[facet]
    return Paragraph(label + ("\n" if label and "\n" in text else "") + text, rank)


def _numbered(titles: Sequence[str]) -> list[str]:
    return [f"{at} {title}" for at, title in enumerate(titles, start=1)]


def _size(paragraphs: Sequence[Paragraph]) -> int:
    return sum(len(paragraph.text.encode()) for paragraph in paragraphs) + 2 * (len(paragraphs) - 1)
