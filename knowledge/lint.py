"""What is wrong or worth knowing about a library's content. Form is judged by the loader; nothing is printed here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from knowledge.entry import AUDIENCES, CASE_LIMIT, FACETS, GRADES, SHORT_LIMIT, VARIANTS_MINIMUM, Entry, School
from knowledge.loader import Fault, Library, read
from knowledge.question_lint import question_faults
from knowledge.rendering import BYTE_LIMIT
from knowledge.text import normalise

TITLE_LIMIT = 20
PARAGRAPH_LIMIT = BYTE_LIMIT - 600
"""A paragraph of more bytes than this would push the answer's source out of the bubble."""

_SOON = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Report:
    """`faults` must be mended before publishing; `notes` are to be known: blanks, expiry near."""

    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]


def lint(folder: Path, today: date) -> Report:
    """Every fault and note of a knowledge folder."""
    reading = read(folder)
    library = reading.library
    faults = [*reading.faults, *_faults(library), *question_faults(library, folder)]
    return Report(tuple(sorted(faults)), tuple(sorted([*_notes(library, today), *_blanks(library.school)])))


def _faults(library: Library) -> Iterator[Fault]:
    known = {entry.id for entry in library.entries} | {entry.topic for entry in library.entries}
    owners: dict[str, str] = {}
    for entry in library.entries:
        path, line = library.places[entry.id]
        for message in (*_content(entry), *_references(entry, known, library.school)):
            yield Fault(path, line, f"{entry.id}：{message}")
        for phrase in dict.fromkeys(map(normalise, (entry.title, *entry.variants))):
            owner = owners.setdefault(phrase, entry.id)
            if owner != entry.id:
                yield Fault(path, line, f"{entry.id}：“{phrase}”也是 {owner} 的问法，两条不能有同一句")


def _content(entry: Entry) -> Iterator[str]:
    yield from _heading(entry)
    yield from _body(entry)
    variants = len(set(map(normalise, entry.variants)))
    if variants < VARIANTS_MINIMUM:
        yield f"variants 去重后有 {variants} 句，至少 {VARIANTS_MINIMUM}"
    for source in entry.sources:
        if source.grade not in GRADES:
            yield f"来源“{source.name}”的 grade 是 {source.grade}，应是 {' '.join(GRADES)}"
    for audience in entry.audience:
        if audience not in AUDIENCES:
            yield f"audience 不认识 {audience}，可用的有 {' '.join(AUDIENCES)}"


def _heading(entry: Entry) -> Iterator[str]:
    for key in ("id", "title", "short", "owner"):
        if not getattr(entry, key):
            yield f"{key} 不能为空"
    if len(entry.title) > TITLE_LIMIT:
        yield f"title 有 {len(entry.title)} 字，最多 {TITLE_LIMIT}"
    if len(entry.short) > SHORT_LIMIT:
        yield f"short 有 {len(entry.short)} 字，最多 {SHORT_LIMIT}"
    if not entry.topic.startswith("meta."):
        for key in ("facets", "sources"):
            if not getattr(entry, key):
                yield f"{key} 不能为空"


def _body(entry: Entry) -> Iterator[str]:
    for facet, text in entry.facets.items():
        if facet not in FACETS:
            yield f"facets 不认识 {facet}，可用的有 {' '.join(FACETS)}"
        yield from _length(f"facets.{facet}", text)
    for case, text in entry.cases.items():
        if len(case) > CASE_LIMIT:
            yield f"cases 的键“{case}”超过 {CASE_LIMIT} 字"
        yield from _length(f"cases.{case}", text)
    for rumour in entry.rumours:
        yield from _length(f"rumours.{rumour.claim}", rumour.claim + rumour.truth)


def _length(name: str, text: str) -> Iterator[str]:
    size = len(text.encode())
    if not text:
        yield f"{name} 是空的"
    if size > PARAGRAPH_LIMIT:
        yield f"{name} 有 {size} 字节，最多 {PARAGRAPH_LIMIT}，一个气泡放不下"


def _references(entry: Entry, known: set[str], school: School) -> Iterator[str]:
    for other in entry.related:
        if other == entry.id:
            yield "related 指向自己"
    if entry.office and entry.office not in school.offices:
        yield f"office 不认识 {entry.office}，可用的有 {' '.join(school.offices)}"
    if entry.deadline and entry.deadline not in school.calendar:
        yield f"deadline 不认识 {entry.deadline}，可用的有 {' '.join(school.calendar)}"
    if unknown := [other for other in entry.related if other not in known]:
        yield f"related 里还没有这些条目：{' '.join(unknown)}"


def _notes(library: Library, today: date) -> Iterator[Fault]:
    for entry in library.entries:
        path, line = library.places[entry.id]
        if entry.valid_until < today:
            yield Fault(path, line, f"{entry.id}：有效期已过（{entry.valid_until}），回答会注明")
        elif entry.valid_until < today + _SOON:
            yield Fault(path, line, f"{entry.id}：有效期将到（{entry.valid_until}）")
        if entry.last_verified is None:
            yield Fault(path, line, f"{entry.id}：还没有核对，回答会注明")


def _blanks(school: School) -> Iterator[Fault]:
    for office in school.offices.values():
        blank = [
            label
            for label, value in (("电话", office.phone), ("地点", office.place), ("时间", office.hours))
            if not value
        ]
        if blank:
            yield Fault(
                "school/offices.yaml",
                0,
                f"{office.key} {office.name}：{'、'.join(blank)}没有填，学生会看到“以学校通知为准”",
            )
    for key_date in school.calendar.values():
        if key_date.day is None:
            yield Fault(
                "school/calendar.yaml", 0, f"{key_date.key} {key_date.name}：没有填，学生会看到“以学校通知为准”"
            )
