"""Both platforms and the people who use them, put together: the one object that tests, benchmarks and the page hold."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, Protocol, runtime_checkable

from bot.clock import Chance, Clock
from bot.simulator.api_wechat import WeChatApi
from bot.simulator.api_wecom import WeComApi
from bot.simulator.callbacks import Check, WeChatCallbacks, WeComCallbacks
from bot.simulator.calls import Call, Journal, Try
from bot.simulator.errands import Errands
from bot.simulator.errors import ImpossibleActionError, NobodyThereError, ProductionRefusedError
from bot.simulator.faults import Faults
from bot.simulator.gateway import Gateway
from bot.simulator.menus import Menu
from bot.simulator.platform import SimulatorSettings
from bot.simulator.posting import Postman
from bot.simulator.quotas import WECHAT_LIMITS, Quotas
from bot.simulator.staff import RobotGroup, StaffPhone, StaffRoom
from bot.simulator.state import State
from bot.simulator.students import StudentPhone, openid_for
from bot.simulator.tokens import TokenOffice
from bot.simulator.wechat_mass import MassDesk
from bot.simulator.wechat_messages import MessageDesk


@runtime_checkable
class MovableClock(Clock, Protocol):
    """A clock that can be put forward."""

    def advance(self, by: timedelta) -> None:
        """Moves the clock forward by `by`."""
        ...


@runtime_checkable
class ResettableClock(Clock, Protocol):
    """A clock that can go back to the machine's time."""

    def reset(self) -> None:
        """Undoes every move."""
        ...


class Simulator:
    """Stands in for WeChat and WeCom, in memory and for one process; every method may be called from any thread.

    Development only.
    """

    def __init__(self, settings: SimulatorSettings, clock: Clock, chance: Chance, *, mode: str = "development") -> None:
        """Raises ProductionRefusedError if `mode` is production."""
        if mode == "production":
            raise ProductionRefusedError
        self.settings = settings
        self.clock = clock
        self.state = State(clock, chance)
        self.journal = Journal(self.state)
        self.faults = Faults(self.state)
        self.errands = Errands()
        self.postman = Postman(timeout_s=settings.callback_timeout_s, faults=self.faults, journal=self.journal)
        self.wechat = WeChatCallbacks(self.state, settings.wechat, self.postman)
        self.wecom = WeComCallbacks(self.state, settings.wecom, self.postman)
        self.wechat_tokens = TokenOffice(self.state, unknown_code=40001)
        self.wecom_tokens = TokenOffice(self.state, unknown_code=40014)
        self.quotas = Quotas(self.state, WECHAT_LIMITS)
        self.wecom_quotas = Quotas(self.state, {}, punishing=True)
        self.students: dict[str, StudentPhone] = {}
        self.room = StaffRoom(self.state, self.wecom, settings.wecom.strict_staff)
        for number, key in enumerate(settings.wecom.robot_keys, start=1):
            name = "值班老师群" if number == 1 else f"值班老师群 {number}"
            self.room.robots[key] = RobotGroup(self.state, key, name)
        self._menu = Menu(settings.menu)
        self.gateway = Gateway(
            self.state, self.faults, self.journal, {"wechat": self._wechat_api(), "wecom": self._wecom_api()}
        )
        for name in settings.students:
            self.add_student(name)

    # -- people

    def student(self, name: str, *, following: bool = False) -> StudentPhone:
        """The phone of the first student of this name, made if there is none.

        With `following` the student is a follower afterwards, without the bot being told of it.
        """
        with self.state.lock:
            known = next((student for student in self.students.values() if student.name == name), None)
            student = known or self.add_student(name)
            if following and not student.following:
                student.start_following()
            return student

    def add_student(self, name: str) -> StudentPhone:
        """A new WeChat user, who does not follow the account yet. Names may repeat."""
        with self.state.lock:
            ordinal = sum(1 for student in self.students.values() if student.name == name)
            openid = openid_for(self.settings.wechat.app_id, name, ordinal)
            student = StudentPhone(self.state, self.wechat, openid, name, self.settings.account_name)
            self.students[openid] = student
            self.state.changed()
            return student

    def get_student(self, openid: str) -> StudentPhone:
        """Raises NobodyThereError."""
        with self.state.lock:
            if openid not in self.students:
                raise NobodyThereError
            return self.students[openid]

    def staff_phone(self, userid: str, name: str = "") -> StaffPhone:
        """The phone of the WeCom member with this userid, made if there is none."""
        return self.room.add(userid, name)

    add_member = staff_phone

    @property
    def members(self) -> dict[str, StaffPhone]:
        """All members by userid."""
        return self.room.members

    @property
    def groups(self) -> dict[str, RobotGroup]:
        """The groups with a robot, by key."""
        return self.room.robots

    @property
    def menu(self) -> dict[str, Any]:
        """The menu as menu/create takes it, empty if there is none."""
        return self._menu.fields

    # -- what crossed the wire

    @property
    def calls(self) -> list[Call]:
        """The newest API calls of the bot, oldest first. journal.calls(host, path) chooses among them."""
        return self.journal.calls()

    @property
    def tries(self) -> list[Try]:
        """The newest tries to reach the bot, oldest first, each with its real duration."""
        return self.journal.tries()

    @property
    def token_fetches(self) -> int:
        """How often a WeChat access token was asked for."""
        return self.journal.count("wechat", "token") + self.journal.count("wechat", "stable_token")

    @property
    def wecom_token_fetches(self) -> int:
        """How often a WeCom access token was asked for."""
        return self.journal.count("wecom", "gettoken")

    # -- the platforms' own doings

    def verify(self, platform: Literal["wechat", "wecom"]) -> Check:
        """The check of the bot's address, as when an operator saves it on the platform's page."""
        callbacks = self.wechat if platform == "wechat" else self.wecom
        return callbacks.verify(self.settings.echo_timeout_s)

    def verify_wechat_callback(self) -> Check:
        """See verify."""
        return self.verify("wechat")

    def verify_wecom_callback(self) -> Check:
        """See verify."""
        return self.verify("wecom")

    def expire_tokens(self) -> None:
        """Every access token is invalid from now on: 40001 at WeChat, 40014 at WeCom."""
        self.wechat_tokens.revoke_all()
        self.wecom_tokens.revoke_all()

    def advance(self, by: timedelta) -> None:
        """Puts the clock forward. Raises ImpossibleActionError for a clock that cannot be moved."""
        if not isinstance(self.clock, MovableClock):
            raise ImpossibleActionError("现在用的是机器自己的时钟，不能拨")
        self.clock.advance(by)
        self.state.changed()

    def reset_clock(self) -> None:
        """Back to the machine's time. Raises ImpossibleActionError for a clock that cannot go back."""
        if not isinstance(self.clock, ResettableClock):
            raise ImpossibleActionError("这个时钟只能向前拨，不能复位")
        self.clock.reset()
        self.state.changed()

    def settle(self, timeout_s: float = 30) -> bool:
        """Waits until the reports after template and mass messages have reached the bot; False if they have not."""
        return self.errands.wait(timeout_s)

    def before_each_try(self, action: Callable[[str, int], None] | None) -> None:
        """Calls `action(platform, number)` before each try of a callback; a test may restart the bot in it."""
        self.postman.before_try = action

    def close(self) -> None:
        """Ends the threads and the streams. What is in memory can still be read."""
        self.errands.close()
        self.state.close()

    def _wechat_api(self) -> WeChatApi:
        account = self.settings.wechat
        messages = MessageDesk(self.state, account, self.students, self.errands)
        mass = MassDesk(self.state, account, self.students, self.wechat, self.errands)
        return WeChatApi(
            self.state,
            account,
            tokens=self.wechat_tokens,
            quotas=self.quotas,
            students=self.students,
            menu=self._menu,
            more={**messages.routes, **mass.routes},
        )

    def _wecom_api(self) -> WeComApi:
        return WeComApi(
            self.state, self.settings.wecom, tokens=self.wecom_tokens, quotas=self.wecom_quotas, room=self.room
        )
