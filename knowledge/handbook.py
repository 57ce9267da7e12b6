"""The whole knowledge as one HTML page to print: the paper that is left when nothing else runs. Reads no files of it.

The page needs nothing from outside: no scripts, no pictures, no fonts to load. All texts are escaped.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path

from knowledge.entry import BLANK, FACETS, Entry, KeyDate, Office, School, Source

AREAS: Mapping[str, str] = {
    "safety": "人身安全", "psych": "心理支持", "leave": "离校手续", "archive": "档案", "hukou": "户口",
    "destination": "毕业去向登记", "tripartite": "三方协议", "baodao": "报到证", "job": "就业", "army": "参军入伍",
    "party": "党组织关系", "league": "团组织关系", "loan": "助学贷款", "aid": "学费补偿代偿", "finance": "学费与退费",
    "insurance": "医保与社保", "dorm": "宿舍", "library": "图书馆与论文", "card": "校园卡与网络", "cert": "证书与证明",
    "form": "毕业生登记表", "study": "学业与学籍", "fraud": "防骗", "support": "困难帮扶", "alumni": "校友",
    "contact": "部门联系", "meta": "关于小助手",
}  # fmt: skip
"""The chapters by the first part of a topic, in the order printed; another area comes last under its own name."""

_BLANK = f'<span class="blank">{BLANK}</span>'
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def handbook(entries: Iterable[Entry], school: School, today: date, *, title: str = "毕业生离校手册") -> str:
    """The page. What is out of date on `today`, was never checked, or is the school's to fill in is marked."""
    chapters = _chapters(entries)
    numbers = {
        entry.id: f"{chapter}.{at}"
        for chapter, (_, within) in enumerate(chapters, start=1)
        for at, entry in enumerate(within, start=1)
    }
    links: dict[str, str] = {}
    for entry in (entry for _, within in chapters for entry in within):
        link = f'<a href="#e{numbers[entry.id]}">{numbers[entry.id]} {escape(entry.title)}</a>'
        links.setdefault(entry.topic, link)
        links[entry.id] = link
    body = [*_cover(chapters, today, title), *_contents(chapters, links)]
    for chapter, (name, within) in enumerate(chapters, start=1):
        body.append(f'<h2 id="c{chapter}">{chapter} {escape(name)}</h2>')
        for entry in within:
            body += _article(entry, numbers[entry.id], links, school, today)
    body += _school(school)
    style = Path(__file__).with_name("handbook.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _chapters(entries: Iterable[Entry]) -> list[tuple[str, list[Entry]]]:
    by_area: dict[str, list[Entry]] = {}
    for entry in entries:
        by_area.setdefault(entry.topic.partition(".")[0], []).append(entry)
    order = [area for area in AREAS if area in by_area] + sorted(by_area.keys() - AREAS.keys())
    return [(AREAS.get(area, area), by_area[area]) for area in order]


def _cover(chapters: Sequence[tuple[str, list[Entry]]], today: date, title: str) -> Iterator[str]:
    entries = [entry for _, within in chapters for entry in within]
    expired = sum(entry.valid_until < today for entry in entries)
    unchecked = sum(entry.last_verified is None for entry in entries)
    yield f"<h1>{escape(title)}</h1>"
    yield f"<p>{today:%Y-%m-%d} 印制，共 {len(entries)} 条，其中已过期 {expired} 条、还没有核对 {unchecked} 条。</p>"
    yield (
        f"<p>标着 {_BLANK} 的地方，本校还没有填；填好以前，以学校通知为准。"
        "政策会变，办理前看每条的核对日期和有效期。</p>"
    )


def _contents(chapters: Sequence[tuple[str, list[Entry]]], links: Mapping[str, str]) -> Iterator[str]:
    yield '<h2 id="contents">目录</h2>\n<ol class="contents">'
    for chapter, (name, within) in enumerate(chapters, start=1):
        yield f'<li><a href="#c{chapter}"><b>{chapter} {escape(name)}</b></a><ol>'
        yield from (f"<li>{links[entry.id]}</li>" for entry in within)
        yield "</ol></li>"
    yield '<li><a href="#school"><b>附 本校部门与日期</b></a></li>\n</ol>'


def _article(entry: Entry, number: str, links: Mapping[str, str], school: School, today: date) -> Iterator[str]:
    marks = [f"已过期：有效期到 {entry.valid_until}"] if entry.valid_until < today else []
    if entry.last_verified is None:
        marks.append("还没有核对")
    shown = "".join(f'<span class="mark">{mark}</span>' for mark in marks)
    yield f'<article id="e{number}" class="{"stale" if marks else "sound"}">'
    yield f"<h3>{number} {escape(entry.title)}{shown}</h3>"
    if entry.audience:
        yield f'<p class="audience">适用：{escape("、".join(entry.audience))}</p>'
    yield f'<p class="short">{escape(entry.short)}</p>'
    yield _pairs(_parts(entry, school))
    yield _pairs(_papers(entry, links), "small")
    yield f'<p class="asked small">学生这样问：{escape("　".join(entry.variants))}</p>'
    yield "</article>"


def _parts(entry: Entry, school: School) -> Iterator[tuple[str, str]]:
    """What the entry says, as label and HTML."""
    for facet, label in FACETS.items():
        if entry.facets.get(facet):
            yield label, escape(entry.facets[facet])
    for case, text in entry.cases.items():
        yield case, escape(text)
    for rumour in entry.rumours:
        yield "常见误传", escape(str(rumour))
    if (day := school.calendar.get(entry.deadline)) is not None:
        yield day.name, _day(day)
    if (office := school.offices.get(entry.office)) is not None:
        where = zip(("电话", "地点", "时间"), (office.phone, office.place, office.hours), strict=True)
        yield "找谁", "　".join([escape(office.name), *(f"{label} {_or_blank(value)}" for label, value in where)])


def _papers(entry: Entry, links: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What the entry rests on and who looks after it, as label and HTML."""
    if entry.sources:
        yield "依据", "<ul>" + "".join(f"<li>{_source(source)}</li>" for source in entry.sources) + "</ul>"
    checked = f"{entry.last_verified}" if entry.last_verified else "还没有"
    yield "核对", f"{checked}　有效期到 {entry.valid_until}　负责 {escape(entry.owner)}"
    if related := [links[other] for other in entry.related if other in links]:
        yield "相关", "　".join(related)


def _source(source: Source) -> str:
    named = " · ".join(filter(None, (source.name, source.number, source.date, f"{source.grade} 级", source.url)))
    return f"{escape(named)}（{escape('；'.join(source.supports))}）"


def _school(school: School) -> Iterator[str]:
    yield '<h2 id="school">附 本校部门与日期</h2>'
    yield "<table><tr><th>部门</th><th>电话</th><th>地点</th><th>时间</th></tr>"
    for office in school.offices.values():
        yield f"<tr><td>{escape(office.name)}</td>{_cells(office)}</tr>"
    yield "</table>\n<table><tr><th>日子</th><th>日期</th></tr>"
    for day in school.calendar.values():
        yield f"<tr><td>{escape(day.name)}</td><td>{_day(day)}</td></tr>"
    yield "</table>"


def _cells(office: Office) -> str:
    return "".join(f"<td>{_or_blank(value)}</td>" for value in (office.phone, office.place, office.hours))


def _day(day: KeyDate) -> str:
    return _BLANK if day.day is None else f"{day.day}"


def _or_blank(value: str) -> str:
    return escape(value) or _BLANK


def _pairs(pairs: Iterable[tuple[str, str]], style: str = "") -> str:
    """Labels (plain text) and what belongs to them (HTML already)."""
    rows = "".join(f"<dt>{escape(label)}</dt><dd>{html}</dd>\n" for label, html in pairs)
    return f'<dl class="{style}">\n{rows}</dl>' if style else f"<dl>\n{rows}</dl>"
