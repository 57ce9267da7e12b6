"""The phone page in a real Chromium, on the product that `flask serve` starts: what a student and a counselor see."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Request, expect, sync_playwright
from support.screenshots import CHROMIUM_ARGS, DESK, DISTRESS, HAND, QUESTION
from support.served import ROOT, Served, chromium_path, serve

from bot.reminders.loading import load_season
from bot.reminders.schedule import Schedule
from bot.reminders.series import Series

CHROMIUM = chromium_path()
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="没有 Chromium：apt-get install chromium 后再跑浏览器测试"),
    pytest.mark.timeout(240),
]
SOON_MS = 30_000  # the worker looks every few seconds, and the machine may be busy
WATCH_POLICY = "addEventListener('securitypolicyviolation', e => console.error('CSP: ' + e.violatedDirective + ' ' + e.blockedURI))"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(served: Served) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS))
        yield launched
        launched.close()


@dataclass
class Noticed:
    """What a page must not do, as far as it did it."""

    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def page_error(self, error: Error) -> None:
        self.errors.append(str(error))

    def request(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).hostname or request.url)


@dataclass(frozen=True)
class Phones:
    """The page with one student of the test's own in front."""

    page: Page
    served: Served
    openid: str

    @property
    def answers(self) -> Locator:
        return self.page.get_by_test_id("bubble-account")

    def follow(self) -> None:
        self.page.get_by_test_id("follow-button").click()
        expect(self.answers).to_have_count(1, timeout=SOON_MS)

    def write(self, text: str) -> None:
        """The student's next words, and their answer is there."""
        before = self.answers.count()
        self.page.get_by_test_id("student-input").fill(text)
        self.page.get_by_test_id("student-send").click()
        expect(self.answers.nth(before)).to_be_visible(timeout=SOON_MS)


OpenPhones = Callable[..., Phones]


@pytest.fixture
def phones(browser: Browser, served: Served, request: pytest.FixtureRequest) -> Iterator[OpenPhones]:
    """Opens the page in a size; afterwards it must have been quiet and have stayed on this machine."""
    context = browser.new_context(locale="zh-CN", reduced_motion="reduce")
    context.add_init_script(WATCH_POLICY)
    noticed = Noticed()
    context.on("console", noticed.console)
    context.on("weberror", lambda error: noticed.page_error(error.error))
    context.on("request", noticed.request)

    def open_page(size: dict[str, int] = DESK) -> Phones:
        name = request.node.name.removeprefix("test_")[:18]
        openid = served.control("POST", "students", name=name)["openid"]
        page = context.new_page()
        page.set_viewport_size(size)
        page.goto(served.page_url)
        page.locator(f'[data-testid="student-switch"][data-id="{openid}"]').click()
        return Phones(page, served, openid)

    yield open_page
    context.close()
    assert noticed.errors == []
    assert noticed.hosts == {"127.0.0.1"}


def test_a_student_follows_asks_and_reads_an_answer_with_its_source(phones: OpenPhones) -> None:
    phone = phones()
    phone.follow()
    expect(phone.answers.first).to_contain_text("直接问我")
    phone.write(QUESTION)
    expect(phone.answers.nth(1)).to_contain_text("接收单位")
    expect(phone.answers.nth(1)).to_contain_text("依据")
    expect(phone.answers.nth(1)).to_contain_text("核对")
    expect(phone.page.get_by_test_id("bubble-student")).to_have_text([QUESTION])
    phone.page.get_by_test_id("chip").first.click()
    expect(phone.answers).to_have_count(3, timeout=SOON_MS)


def test_distress_gets_a_kind_reply_and_a_card_that_the_counselor_takes(phones: OpenPhones) -> None:
    phone = phones()
    phone.follow()
    phone.write(DISTRESS)
    expect(phone.answers.nth(1)).to_contain_text("现在你的安全最要紧")
    expect(phone.answers.nth(1)).to_contain_text("12356")
    expect(phone.page.get_by_test_id("chip")).to_have_count(0)

    expect(phone.page.locator("#staff-title")).to_contain_text("王老师", timeout=SOON_MS)
    card = phone.page.get_by_test_id("card").last
    expect(card).to_contain_text("天台", timeout=SOON_MS)
    card.get_by_role("button", name="我来处理").click()
    expect(card.get_by_test_id("card-done")).to_have_text("王老师（演示） 正在处理", timeout=SOON_MS)
    expect(card.get_by_test_id("card-button")).to_have_count(0)


def test_time_moves_and_a_reminder_arrives_for_who_wrote_lately(phones: OpenPhones, served: Served) -> None:
    phone = phones()
    phone.follow()
    series, at = next_reminder(served)
    served.control("POST", "time", advance_s=int((at - now_of(served)).total_seconds()) - 1800)
    shown = at - timedelta(minutes=30)
    expect(phone.page.get_by_test_id("clock")).to_contain_text(f"{shown.year}年{shown.month}月{shown.day}日")
    phone.write(QUESTION)
    expect(phone.page.get_by_test_id("window")).to_contain_text("还剩 47 小时")
    before = phone.answers.count()
    phone.page.get_by_test_id("advance-1h").click()
    expect(phone.page.get_by_test_id("clock")).to_contain_text(f"{at.hour:02}:", timeout=SOON_MS)
    reminder = phone.answers.nth(before)
    expect(reminder).to_contain_text("【反诈】", timeout=SOON_MS)
    assert reminder.inner_text().strip() in {text.strip() for text in series.texts}


def test_on_a_small_screen_nothing_overflows_and_the_tabs_change_phones(phones: OpenPhones) -> None:
    phone = phones(HAND)
    phone.follow()
    phone.write(QUESTION)
    panels = {name: phone.page.locator(f"#panel-{name}") for name in ("student", "staff", "control")}
    for chosen in ("staff", "control", "student"):
        phone.page.get_by_test_id(f"tab-{chosen}").click()
        expect(phone.page.get_by_test_id(f"tab-{chosen}")).to_have_attribute("aria-selected", "true")
        for name, panel in panels.items():
            expect(panel).to_be_visible(visible=name == chosen)
        widest, wide = phone.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widest <= wide, chosen
        assert overflowing(phone.page) == [], chosen
    phone.page.get_by_test_id("menu-toggle").click()
    phone.page.get_by_test_id("menu-button").last.click()
    expect(phone.page.get_by_test_id("submenu-button").last).to_be_visible()
    assert overflowing(phone.page) == []


def overflowing(page: Page) -> list[str]:
    """Visible things that reach over an edge of the screen, but for rows that scroll sideways by design."""
    found: list[str] = page.evaluate("""() => [...document.querySelectorAll("main *, nav *")]
        .filter((one) => !one.closest(".switches, .quick, svg, .sr-only") && one.checkVisibility())
        .filter((one) => { const box = one.getBoundingClientRect(); return box.width && (box.right > innerWidth + 1 || box.left < -1); })
        .map((one) => `${one.tagName}.${one.className}`)""")
    return found


def now_of(served: Served) -> datetime:
    return datetime.fromisoformat(served.control("GET", "state")["now"])


def next_reminder(served: Served) -> tuple[Series, datetime]:
    """The series against telecom fraud, and when it is due next."""
    series = next(
        one for one in load_season(ROOT / "bot/reminders/data/series.yaml").series if one.key == "telecom_fraud"
    )
    now = now_of(served)
    at = Schedule({}, now.tzinfo).following(series, now + timedelta(hours=1))
    assert at is not None
    return series, at
