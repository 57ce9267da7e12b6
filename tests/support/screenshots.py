"""Pictures of the phone page for the documentation, taken in a real Chromium from a running simulator.

By hand, from the checkout (it starts the product itself, on a free port and in a temporary folder):

    .venv/bin/python tests/support/screenshots.py docs/images

writes phone.png (1440x900), phone-390.png (390x844) and alert-card-390.png, the card on the counselor's phone.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Page, sync_playwright
from support.served import Served, chromium_path, serve

CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK = {"width": 1440, "height": 900}
HAND = {"width": 390, "height": 844}
QUESTION = "档案怎么转"
MORE = "要带什么"
DISTRESS = "东西都送人了，今晚天台见"


def show_conversation(page: Page, served: Served) -> None:
    """One student asked twice and got sourced answers; another one's alert was taken by the counselor."""
    page.goto(served.page_url)
    page.get_by_test_id("student-switch").nth(1).click()
    _follow_and_say(page, DISTRESS)
    page.get_by_test_id("card-button").first.click()
    page.get_by_test_id("card-done").filter(has_text="正在处理").wait_for()
    page.get_by_test_id("student-switch").nth(0).click()
    _follow_and_say(page, QUESTION)
    _say(page, MORE)
    page.get_by_test_id("student-input").blur()


def show_card(page: Page) -> None:
    """Another student said goodbye, and the card is on the counselor's phone."""
    page.get_by_test_id("student-switch").nth(2).click()
    _follow_and_say(page, DISTRESS)
    page.get_by_test_id("tab-staff").click()
    page.get_by_test_id("card-button").first.wait_for()


def _follow_and_say(page: Page, text: str) -> None:
    page.get_by_test_id("follow-button").click()
    page.get_by_test_id("bubble-account").first.wait_for()
    _say(page, text)


def _say(page: Page, text: str) -> None:
    answers = page.get_by_test_id("bubble-account")
    before = answers.count()
    page.get_by_test_id("student-input").fill(text)
    page.get_by_test_id("student-send").click()
    answers.nth(before).wait_for()


def take(folder: Path) -> list[Path]:
    """Writes the pictures into `folder` and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = [folder / name for name in ("phone.png", "phone-390.png", "alert-card-390.png")]
    with tempfile.TemporaryDirectory() as kept, serve(Path(kept)) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_ARGS))
        page = browser.new_page(viewport=DESK, locale="zh-CN", reduced_motion="reduce")
        show_conversation(page, served)
        page.screenshot(path=taken[0], animations="disabled")
        page.set_viewport_size(HAND)
        page.screenshot(path=taken[1], animations="disabled")
        show_card(page)
        page.screenshot(path=taken[2], animations="disabled")
        browser.close()
    return taken


if __name__ == "__main__":
    for path in take(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")):
        print(f"{path} {path.stat().st_size // 1024} KB")  # noqa: T201 - run by hand, it says what it wrote
