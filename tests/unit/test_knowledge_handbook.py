"""The printed handbook: everything is in it, marked where it is old or blank, escaped, and alone with itself."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest

from knowledge.entry import FACETS, Entry, KeyDate, Office, Rumour, School, Source
from knowledge.handbook import AREAS, handbook

TODAY = date(2027, 6, 6)
SOURCE = Source("教学厅通知", "2023-05", "A", ("去向登记",), url="https://example.edu/a?b=1&c=2", number="〔2023〕5号")
ENTRY = Entry(
    "archive.transfer", "档案怎么转", "学校统一寄出。", {"how": "1. 先登记。\n2. 再等。", "late": "尽快改。"}, (SOURCE,),
    "就业部门", date(2026, 11, 20), date(2027, 8, 31), ("档案咋转", "档案寄走没"), cases={"升学": "凭调档函。"},
    rumours=(Rumour("两年成“死档”", "没有这回事。"),), deadline="close", office="career", audience=("本科", "硕士"),
    related=("archive.where", "cert.lost"),
)  # fmt: skip
OTHER = replace(ENTRY, id="archive.where/private", title="民企档案放哪", office="filled", related=("archive.transfer",))
SCHOOL = School(
    {"career": Office("career", "就业窗口"), "filled": Office("filled", "档案室", phone="010-1", place="三楼")},
    {"close": KeyDate("close", "去向登记截止", date(2027, 6, 18)), "open": KeyDate("open", "离校日")},
)


class Page(HTMLParser):
    """What a page has in it: tags, attributes, ids, links, text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.said = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said += data

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


def test_an_entry_is_there_with_all_its_parts():
    page = Page(handbook([ENTRY, OTHER], SCHOOL, TODAY))
    for part in (
        "1.1 档案怎么转", "适用：本科、硕士", "学校统一寄出。", FACETS["how"], "1. 先登记。\n2. 再等。", FACETS["late"], "尽快改。",
        "升学", "凭调档函。", "“两年成‘死档’”——没有这回事。", "去向登记截止", "2027-06-18", "就业窗口", "教学厅通知 · 〔2023〕5号 · 2023-05 · A 级",
        SOURCE.url, "去向登记", "2026-11-20", "有效期到 2027-08-31", "负责 就业部门", "1.2 民企档案放哪", "档案咋转　档案寄走没",
    ):  # fmt: skip
        assert part in page.said, part
    assert page.open == []


def test_contents_and_related_entries_lead_to_places_that_are_there():
    """A related topic leads to its first entry; one that is not in the book is left out."""
    page = Page(handbook([ENTRY, OTHER], SCHOOL, TODAY))
    links = [link.removeprefix("#") for link in page.values("href")]
    assert links.count("e1.1") == 2  # the contents, and what OTHER is related to
    assert links.count("e1.2") == 2
    assert set(links) <= set(page.values("id"))
    assert len(page.values("id")) == len(set(page.values("id")))


def test_what_the_school_has_not_filled_in_is_marked():
    html = handbook([ENTRY, OTHER], SCHOOL, TODAY)
    article = html[html.index('id="e1.1"') : html.index('id="e1.2"')]
    assert article.count('<span class="blank">【请学校填写】</span>') == 3
    filled = html[html.index('id="e1.2"') : html.index('id="school"')]
    assert "电话 010-1" in filled
    assert filled.count("【请学校填写】") == 1
    assert "<td>离校日</td><td><span" in html


@pytest.mark.parametrize(
    ("changes", "mark"),
    [({"valid_until": date(2027, 6, 5)}, "已过期：有效期到 2027-06-05"), ({"last_verified": None}, "还没有核对")],
)
def test_expired_and_unverified_entries_are_marked(changes, mark):
    assert f'<span class="mark">{mark}' in handbook([replace(ENTRY, **changes)], SCHOOL, TODAY)
    assert '<span class="mark">' not in handbook([ENTRY], SCHOOL, TODAY)


def test_texts_are_escaped_wherever_they_stand():
    """A text that looks like HTML is printed, not obeyed."""
    evil = "<script src=//x>&\"'"
    texts = dict.fromkeys(("title", "short", "owner"), evil) | {
        "facets": {"how": evil}, "cases": {evil: evil}, "rumours": (Rumour(evil, evil),), "variants": (evil,),
        "sources": (Source(evil, evil, evil, (evil,), evil, evil),), "audience": (evil,), "id": "<b>.one",
    }  # fmt: skip
    school = School({"career": Office("career", evil, evil, evil, evil)}, {"close": KeyDate("close", evil)})
    page = Page(handbook([replace(ENTRY, **texts)], school, TODAY, title=evil))
    assert "script" not in page.tags
    assert "b" in page.tags  # the contents' own
    assert page.said.count(evil) >= 18
    assert page.open == []


def test_the_page_needs_nothing_from_outside():
    html = handbook([ENTRY], SCHOOL, TODAY)
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert page.values("src") == []
    assert all(link.startswith("#") for link in page.values("href"))
    assert not re.search(r"@import|url\(", html)
    assert "default-src 'none'" in html


def test_it_prints_with_page_numbers_and_chapters_on_new_pages():
    html = handbook([ENTRY], SCHOOL, TODAY)
    assert "counter(page)" in html
    assert "break-before: page" in html


def test_chapters_come_in_their_order_and_unknown_ones_last():
    entries = [replace(ENTRY, id=f"{area}.one") for area in ("zoo", "archive", "safety")]
    page = Page(handbook(entries, SCHOOL, TODAY))
    assert [page.said.index(name) for name in ("1 人身安全", "2 档案", "3 zoo")] == sorted(
        page.said.index(name) for name in ("1 人身安全", "2 档案", "3 zoo")
    )
    assert "zoo" not in AREAS
