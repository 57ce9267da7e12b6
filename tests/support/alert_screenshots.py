"""Pictures of the page behind the link in an alert, and of the report, at the width of a phone, for the documentation.

By hand, from the checkout:

    .venv/bin/python tests/support/alert_screenshots.py docs/images

writes alert-link-390.png (nobody has it), alert-link-taken-390.png, alert-link-expired-390.png and report-390.png.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import sync_playwright
from support.screenshots import CHROMIUM_ARGS, DISTRESS, HAND
from support.served import chromium_path
from support.world import STAFF, ZONE, World, open_world

import knowledge as packaged
from bot.clock import FakeClock
from bot.staff.models import Role, Staff

EVENING = datetime(2027, 6, 8, 21, 47, tzinfo=ZONE)
CENTRE = Staff("P1", "心理中心", Role.PSYCHOLOGY, wecom_userid="xin")
HEAVY = "活着没意思，撑不下去了"
EXPIRED = timedelta(hours=73)


@contextmanager
def alerted(folder: Path) -> Iterator[World]:
    """A school where a student has said goodbye and nobody has taken the alert."""
    with open_world(f"sqlite:///{folder / 'page.db'}", folder, FakeClock(EVENING), packaged.open_base()) as world:
        world.student("李同学").writes(DISTRESS)
        yield world


def exercised(world: World) -> str:
    """The first alert was a false alarm, and a college has had a drill. The psychology centre's link to the report."""
    application, counselor = world.application, STAFF[0]
    with application.database.write() as session:
        application.directory.replace_all(session, [*STAFF, CENTRE])
        application.handling.resolve(session, 1, counselor, code="false_alarm", via="test")
    world.student("孙同学").writes(HEAVY)
    with application.database.write() as session:
        drill = application.drills.start(session, counselor.college)
    world.clock.advance(timedelta(seconds=80))
    with application.database.write() as session:
        application.alerts.acknowledge(session, drill, counselor, via="test")
    return world.bot_url + "/r/" + application.reports.link_for(CENTRE).partition("/r/")[2]


def link_of(world: World) -> str:
    """The first counselor's link, on this machine."""
    return world.bot_url + "/a/" + world.application.link_for(1, STAFF[0]).partition("/a/")[2]


def take(folder: Path) -> list[Path]:
    """Writes the pictures into `folder` and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("alert-link-390.png", "alert-link-taken-390.png", "alert-link-expired-390.png", "report-390.png")
    taken = [folder / name for name in names]
    with tempfile.TemporaryDirectory() as kept, alerted(Path(kept)) as world, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_ARGS))
        page = browser.new_page(viewport=HAND, locale="zh-CN", reduced_motion="reduce")
        page.goto(link_of(world))
        page.screenshot(path=taken[0], animations="disabled")
        page.get_by_role("button", name="我来处理").click()
        page.get_by_text("记在您名下").wait_for()
        page.screenshot(path=taken[1], animations="disabled")
        world.clock.advance(EXPIRED)
        page.reload()
        page.screenshot(path=taken[2], animations="disabled")
        page.goto(exercised(world))
        page.screenshot(path=taken[3], animations="disabled")
        browser.close()
    return taken


if __name__ == "__main__":
    for path in take(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")):
        print(f"{path} {path.stat().st_size // 1024} KB")  # noqa: T201 - run by hand, it says what it wrote
