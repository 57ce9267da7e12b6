"""A whole school in one process: the bot and the platforms over real HTTP, phones with scripts, time moved by hand."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from support.standing import StandingBase
from werkzeug.serving import WSGIRequestHandler, make_server

from bot.bootstrap import Application
from bot.clock import Chance, FakeClock
from bot.migrations import upgrade
from bot.reminders.loading import load_season
from bot.reminders.series import Season
from bot.safety.living import LivingLexicon
from bot.settings import Settings
from bot.simulator.app import create_simulator_app
from bot.simulator.platform import SimulatorSettings, WeChatAccount, WeComAccount
from bot.simulator.simulator import Simulator
from bot.staff.models import Role, Staff
from bot.students.codes import written
from bot.students.importing import COLUMNS, Listing
from bot.students.models import Student
from bot.web import create_web
from bot.worker import Loop
from handlers.menu import MENU
from knowledge.base import KnowledgeBase

ZONE = ZoneInfo("Asia/Shanghai")
ROOT = Path(__file__).resolve().parent.parent.parent
AES = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OLD_AES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg"
WECOM_AES = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
DATA_KEY = "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlLi4="
STAFF = (
    Staff("T1", "王老师", Role.COUNSELOR, college="体育教育学院", wecom_userid="wang"),
    Staff("T2", "刘老师", Role.COUNSELOR, college="体育教育学院", wecom_userid="liu"),
)


_SHORT_REST_S = 60


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Says nothing."""


class LoopbackServer:
    """A WSGI application on a free loopback port; the application may come later than the port."""

    def __init__(self) -> None:
        self.app: Callable[..., Any] | None = None
        self._server = make_server("127.0.0.1", 0, self._call, threaded=True, request_handler=_QuietHandler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        soon_stopped = 0.02
        threading.Thread(target=self._server.serve_forever, args=[soon_stopped], daemon=True).start()

    def _call(self, *call: Any) -> Any:
        assert self.app is not None
        return self.app(*call)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def settings_for(database_url: str, platform_url: str, **sections: dict[str, Any]) -> Settings:
    """Settings of a bot that talks to the simulator at `platform_url`."""
    base = Settings().with_values(
        database={"url": database_url},
        security={"secret_key": "s" * 40, "data_keys": (DATA_KEY,)},
        wechat={
            "app_id": "wx0123456789abcdef",
            "app_secret": "app-secret-of-the-test",
            "token": "wechat-token",
            "encoding_aes_key": AES,
            "api_base_url": f"{platform_url}/simulator/api.weixin.qq.com",
            "read_timeout_s": 2,
        },
        wecom={
            "corp_id": "ww0123456789abcdef",
            "agent_id": 1000002,
            "secret": "corp-secret-of-the-test",
            "token": "wecom-token",
            "encoding_aes_key": WECOM_AES,
            "api_base_url": f"{platform_url}/simulator/qyapi.weixin.qq.com",
            "robot_webhooks": (f"{platform_url}/simulator/qyapi.weixin.qq.com/cgi-bin/webhook/send?key=group",),
            "read_timeout_s": 2,
        },
    )
    return base.with_values(**sections)


def simulator_settings(settings: Settings, callback_base: str, **changes: Any) -> SimulatorSettings:
    """The other side of the same accounts; `callback_base` may name several addresses."""
    wechat, wecom = settings.wechat, settings.wecom
    bases = callback_base.split()
    return SimulatorSettings(
        wechat=WeChatAccount(
            app_id=wechat.app_id,
            app_secret=wechat.app_secret.get_secret_value(),
            token=wechat.token.get_secret_value(),
            callback_url=" ".join(f"{base}/wechat" for base in bases),
            encoding_aes_key=changes.pop("aes_key", wechat.encoding_aes_key.get_secret_value()),
            mode=changes.pop("mode", wechat.mode),
        ),
        wecom=WeComAccount(
            corp_id=wecom.corp_id,
            agent_id=wecom.agent_id,
            secret=wecom.secret.get_secret_value(),
            token=wecom.token.get_secret_value(),
            encoding_aes_key=wecom.encoding_aes_key.get_secret_value(),
            callback_url=" ".join(f"{base}/wecom" for base in bases),
            robot_keys=("group",),
            strict_staff=True,
        ),
        menu=MENU,
        students=(),
        **changes,
    )


@dataclass
class StudentPhone:
    """A student with a scripted phone. What the account says is read in order; what is not read is unexpected."""

    chat: Any
    read: int = 0

    def follows(self) -> Any:
        return self.chat.follow()

    def unfollows(self) -> Any:
        return self.chat.unfollow()

    def writes(self, text: str) -> Any:
        return self.chat.writes(text)

    def says(self, recognised: str) -> Any:
        return self.chat.says(recognised)

    def sends_image(self) -> Any:
        return self.chat.sends_image()

    def clicks(self, key: str) -> Any:
        return self.chat.clicks(key)

    def unread(self) -> list[str]:
        bubbles = [one for one in self.chat.bubbles if one.by != "student"]
        return [one.text for one in bubbles if one.kind != "event"][self.read :]

    def expects(self, *parts: str) -> str:
        """The next thing that the phone shows contains all of `parts`."""
        unread = self.unread()
        assert unread, f"nothing came, expected {parts}"
        self.read += 1
        for part in parts:
            assert part in unread[0], f"expected {part!r} in {unread[0]!r}"
        return unread[0]


@dataclass
class StaffPhone:
    """A member of staff with a scripted WeCom phone."""

    world: "World"
    messages: Callable[[], list[Any]]
    userid: str = ""
    read: int = 0
    card: Any = None

    def unread(self) -> list[Any]:
        return [one for one in self.messages() if one.by == "app"][self.read :]

    def expects(self, *, card: str = "", text: str = "") -> "StaffPhone":
        """The next message is a card or a text that contains the words."""
        unread = self.unread()
        assert unread, f"nothing came, expected {card or text!r}"
        self.read += 1
        message = unread[0]
        assert message.kind == ("card" if card else "text"), message
        assert (card or text) in f"{message.title}\n{message.text}", message
        self.card = message if card else self.card
        return self

    def presses(self, label: str) -> Any:
        return self.world.simulator.members[self.userid].presses(self.card.id, label)

    def writes(self, text: str) -> Any:
        return self.world.simulator.members[self.userid].writes(text)


@dataclass
class World:
    """The bot, the platforms, and the people."""

    application: Application
    simulator: Simulator
    clock: FakeClock
    bot_url: str
    staff: tuple[Staff, ...] = STAFF
    students: dict[str, StudentPhone] = field(default_factory=dict)
    phones: dict[str, StaffPhone] = field(default_factory=dict)
    _ticked_at: dict[str, datetime] = field(default_factory=dict)

    def student(self, name: str, *, following: bool = True, college: str = "") -> StudentPhone:
        """The student of that name, who follows the account and has read the greeting; with a `college`, is bound."""
        if name not in self.students:
            phone = StudentPhone(self.simulator.add_student(name))
            self.students[name] = phone
            if following:
                phone.follows()
                phone.expects("离校小助手")
            if college:
                number = f"S{len(self.students):03}"
                self.enrols(Student(number, name, college))
                phone.writes(f"绑定 {self.hands_out(number)}")
                phone.expects("绑定好了")
        return self.students[name]

    def enrols(self, *students: Student) -> None:
        """These students are in the school's list."""
        changes = self.application.register.compare(Listing(list(students), frozenset(COLUMNS)))
        self.application.register.apply(changes)

    def hands_out(self, student_no: str) -> str:
        """A binding code for the student, as the college has it on paper."""
        with self.application.database.write() as session:
            made = self.application.binding.new_codes(session, [student_no])
            self.application.binding.hand_out(session, made)
        return written(made[student_no])

    def phone(self, name: str) -> StaffPhone:
        """The WeCom phone of a member of staff; 群 is the group with the robot."""
        if name not in self.phones:
            if name == "群":
                self.phones[name] = StaffPhone(self, lambda: self.simulator.room.robots["group"].messages)
            else:
                userid = next(one.wecom_userid for one in self.staff if one.name == name)
                self.phones[name] = StaffPhone(self, lambda: self.simulator.members[userid].messages, userid)
        return self.phones[name]

    def tick(self, *, all_loops: bool = True) -> None:
        """Everything that is due now is done, and what follows from it. Without `all_loops` those that rest sleep on.

        What rests for minutes does so always: it deletes what is old, and its looking costs more than all others'.
        """
        now = self.clock.now()
        short = _SHORT_REST_S if all_loops else 0
        loops = [loop for loop in self.application.loops if loop.rest_s <= short or self._is_up(loop, now)]
        for loop in loops:
            self._ticked_at[loop.ticker.name] = now
        for _ in range(50):
            reports = [loop.ticker.tick() for loop in loops]
            if not any(report.done for report in reports):
                return
        raise AssertionError("the loops find no end")

    def _is_up(self, loop: Loop, now: datetime) -> bool:
        last = self._ticked_at.get(loop.ticker.name)
        return last is None or now - last >= timedelta(seconds=loop.rest_s)

    def advance(self, step: timedelta | None = None, **time: float) -> None:
        """Time passes in small steps, larger ones in a long time; at each of them everything that is due is done."""
        left = timedelta(**time)
        step = step or timedelta(seconds=30 if left <= timedelta(hours=1) else 150)
        while left > timedelta():
            self.clock.advance(min(step, left))
            left -= step
            self.tick(all_loops=left <= timedelta())

    def go_to(self, moment: datetime) -> None:
        """It is `moment` now, and what is due then is done; what was due before, too, late."""
        self.clock.advance(moment - self.clock.now())
        self.tick()

    def no_other_messages(self) -> None:
        """Nobody has got anything that the test did not expect."""
        self.tick()
        for person in self.staff:
            self.phone(person.name)
        self.phone("群")
        unexpected = {name: phone.unread() for name, phone in (self.students | self.phones).items() if phone.unread()}
        assert not unexpected, unexpected
        refused = [call for call in self.simulator.journal.calls() if call.errcode]
        assert not refused, refused


@cache
def _lexicon() -> LivingLexicon:
    """Read once: it takes a second. Each world has a copy that its test may break."""
    return LivingLexicon()


@cache
def _season() -> Season:
    return load_season(ROOT / "bot" / "reminders" / "data" / "series.yaml")


@contextmanager
def open_world(
    database_url: str,
    folder: Path,
    clock: FakeClock,
    knowledge: KnowledgeBase,
    *,
    migrated: bool = False,
    **sections: dict[str, Any],
) -> Iterator[World]:
    """A running world; nothing of it is left afterwards."""
    platform, web = LoopbackServer(), LoopbackServer()
    changes = {key: sections.pop(key) for key in ("aes_key", "mode", "callback_timeout_s") if key in sections}
    extra = {key: sections.pop(key) for key in ("handlers",) if key in sections}
    staff = tuple(sections.pop("staff", STAFF))
    settings = settings_for(database_url, platform.url, **sections)
    application = Application(settings=settings, clock=clock, root=ROOT, folder=folder, seed=7, **extra)
    application.__dict__.update(knowledge=StandingBase(knowledge), assess=copy(_lexicon()), season=_season())
    if not migrated:
        upgrade(application.database, ROOT)
    with application.database.write() as session:
        application.directory.replace_all(session, staff)
    simulator = Simulator(simulator_settings(settings, web.url, **changes), clock, Chance(clock, seed=3))
    for person in staff:
        simulator.add_member(person.wecom_userid, person.name)
    platform.app, web.app = create_simulator_app(simulator), create_web(application)
    try:
        yield World(application, simulator, clock, web.url, staff)
    finally:
        application.inbox.close()
        for loop in application.loops:
            if hasattr(loop.ticker, "close"):
                loop.ticker.close()
        application.database.dispose()
        simulator.close()
        platform.close()
        web.close()
