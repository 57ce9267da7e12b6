"""The pages behind the links that staff get, on a phone of 390 px in a real Chromium: read, press once, done."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from support.alert_screenshots import EXPIRED, alerted, exercised, link_of
from support.screenshots import CHROMIUM_ARGS, DISTRESS, HAND
from support.served import chromium_path
from support.world import World

CHROMIUM = chromium_path()
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="没有 Chromium：apt-get install chromium 后再跑浏览器测试"),
    pytest.mark.timeout(240),
]
SOON_MS = 30_000
THUMB = 44  # CSS pixels that a finger needs


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with alerted(tmp_path) as made:
        yield made


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A phone that notes whatever the page complains about, and whatever else it asks for."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS))
        made = browser.new_page(viewport=HAND, locale="zh-CN", color_scheme=request.param)
        complaints: list[str] = []
        asked: list[str] = []
        made.on("console", lambda message: complaints.append(message.text))
        made.on("request", lambda asking: asked.append(asking.resource_type))
        yield made
        browser.close()
    assert [one for one in complaints if "410" not in one] == []
    assert set(asked) <= {"document", "other"}  # Chromium looks for a favicon by itself


def test_it_is_read_and_taken_with_one_hand(world: World, page: Page) -> None:
    page.goto(link_of(world))
    expect(page.get_by_text(DISTRESS)).to_be_visible(timeout=SOON_MS)
    take = page.get_by_role("button", name="我来处理")
    box = take.bounding_box()
    assert box is not None
    assert box["height"] >= THUMB
    assert box["y"] + box["height"] <= HAND["height"]  # without scrolling
    assert page.evaluate("document.documentElement.scrollWidth") <= HAND["width"]
    take.click()
    expect(page.get_by_role("status")).to_contain_text("记在您名下", timeout=SOON_MS)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # the second tap of a double tap
    expect(page.get_by_role("status")).to_contain_text("记在您名下")
    expect(page.get_by_role("button", name="我来处理")).to_have_count(0)
    if not page.get_by_role("button", name="处理完了").is_visible():
        page.get_by_text("处理完了，或者不是危险").click()
    page.get_by_role("button", name="处理完了").click()
    expect(page.get_by_role("status")).to_contain_text("已经结束", timeout=SOON_MS)
    expect(page.get_by_role("button")).to_have_count(0)


def test_an_old_link_says_what_to_do(world: World, page: Page) -> None:
    world.clock.advance(EXPIRED)
    page.goto(link_of(world))  # one made today
    expect(page.get_by_role("button", name="我来处理")).to_be_visible(timeout=SOON_MS)
    old = link_of(world)
    world.clock.advance(EXPIRED)
    page.goto(old)
    expect(page.get_by_text("收到 A1。")).to_be_visible(timeout=SOON_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= HAND["width"]


def test_the_report_fits_the_phone(world: World, page: Page) -> None:
    page.goto(exercised(world))
    expect(page.get_by_role("row", name="体育教育学院")).to_contain_text("1 分 20 秒", timeout=SOON_MS)
    expect(page.get_by_role("heading", name="每条规则准不准")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= HAND["width"]
