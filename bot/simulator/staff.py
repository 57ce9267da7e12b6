"""Staff's WeCom phones and the groups with a robot: what arrives on them and what a member does with it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypedDict

from bot.simulator.callbacks import WeComCallbacks
from bot.simulator.codes import ApiRefusedError
from bot.simulator.errors import ImpossibleActionError, NobodyThereError
from bot.simulator.posting import Round
from bot.simulator.state import State

_A_MINUTE, _AN_HOUR = timedelta(minutes=1), timedelta(hours=1)
_MEMBER_MINUTE, _MEMBER_HOUR, _ROBOT_MINUTE = 30, 1000, 20
_CODE_FOR = timedelta(hours=72)
_TOKEN_BYTES = 32


class CardButton(TypedDict):
    """One button of a card."""

    key: str
    text: str
    primary: bool


@dataclass(slots=True)
class StaffMessage:
    """One message on a member's phone or in a group. `by` is app or staff; `kind` is text or card.

    A card's `pressed` is the key of the button that was pressed, `replaced_by` the line in place of its buttons.
    """

    id: int
    by: str
    kind: str
    text: str
    at: datetime
    title: str = ""
    buttons: tuple[CardButton, ...] = ()
    task_id: str = ""
    pressed: str | None = None
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class _Code:
    task_id: str
    expires_at: datetime


class ResponseCodes:
    """The codes that allow one update of a card within 72 hours."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._codes: dict[str, _Code] = {}

    def new(self, task_id: str) -> str:
        """A code for the card with this task id."""
        with self._state.lock:
            code = self._state.chance.token(_TOKEN_BYTES)
            self._codes[code] = _Code(task_id, self._state.now() + _CODE_FOR)
            return code

    def use(self, code: str) -> str:
        """The task id that `code` is good for; afterwards it is good for nothing. Raises ApiRefusedError 42014."""
        with self._state.lock:
            known = self._codes.pop(code, None)
            if known is None or self._state.now() >= known.expires_at:
                raise ApiRefusedError(42014)
            return known.task_id


@dataclass(slots=True, eq=False)
class StaffPhone:
    """One member's WeCom. Actions return when the bot has answered or the platform has given up.

    `dropped` counts what the platform swallowed because more than 30 messages a minute or 1,000 an hour came.
    """

    state: State
    callbacks: WeComCallbacks
    codes: ResponseCodes
    userid: str
    name: str
    messages: list[StaffMessage] = field(default_factory=list)
    dropped: int = 0
    _arrivals: list[datetime] = field(default_factory=list)

    @property
    def cards(self) -> list[StaffMessage]:
        """The cards, oldest first."""
        with self.state.lock:
            return [message for message in self.messages if message.kind == "card"]

    def take(self, message: StaffMessage) -> bool:
        """A message of the application arrives; False if it was one too many and vanished."""
        with self.state.lock:
            now = self.state.now()
            self._arrivals = [at for at in self._arrivals if now - at < _AN_HOUR]
            minute = sum(1 for at in self._arrivals if now - at < _A_MINUTE)
            if minute >= _MEMBER_MINUTE or len(self._arrivals) >= _MEMBER_HOUR:
                self.dropped += 1
                return False
            self._arrivals.append(now)
            self.messages.append(replace(message, id=self.state.new_message_id(), at=now))
            self.state.changed()
            return True

    def writes(self, text: str) -> Round:
        """Sends a text to the application."""
        with self.state.lock:
            number = self.state.new_platform_id()
            self._note(StaffMessage(self.state.new_message_id(), "staff", "text", text, self.state.now()))
        done = self.callbacks.deliver(self.userid, {"MsgType": "text", "Content": text, "MsgId": number})
        return self._heard(done)

    def presses(self, message_id: int, key: str) -> Round:
        """Presses a button of a card; `key` may be the button's key or its words.

        Raises ImpossibleActionError for a card that is gone, was updated or is pressed already. A press that did not
        reach the bot may be repeated.
        """
        with self.state.lock:
            card = next((one for one in self.messages if one.id == message_id and one.kind == "card"), None)
            button = next((one for one in card.buttons if key in (one["key"], one["text"])), None) if card else None
            if card is None or button is None:
                raise ImpossibleActionError("没有这张卡片或这个按钮，请刷新页面再试")
            if card.replaced_by is not None or card.pressed is not None:
                raise ImpossibleActionError("这张卡片已经处理过了")
            card.pressed = button["key"]
            code = self.codes.new(card.task_id)
            self.state.changed()
        done = self.callbacks.deliver(
            self.userid,
            {
                "MsgType": "event",
                "Event": "template_card_event",
                "EventKey": button["key"],
                "TaskId": card.task_id,
                "CardType": "button_interaction",
                "ResponseCode": code,
            },
        )
        with self.state.lock:
            if done.status == "failed" and card.replaced_by is None:
                card.pressed = None
                self.state.changed()
            elif done.fields.get("MsgType") == "update_button":
                self.update(card.task_id, _replace_name(done.fields))
        return self._heard(done)

    def update(self, task_id: str, line: str) -> bool:
        """Replaces the buttons of the card with this task id by `line`; False if this phone has no such card."""
        with self.state.lock:
            cards = [card for card in self.messages if card.kind == "card" and card.task_id == task_id]
            for card in cards:
                card.replaced_by = line
            self.state.changed()
            return bool(cards)

    def _heard(self, done: Round) -> Round:
        if done.status == "answered" and done.reply:
            with self.state.lock:
                self._note(StaffMessage(self.state.new_message_id(), "app", "text", done.reply, self.state.now()))
        return done

    def _note(self, message: StaffMessage) -> None:
        self.messages.append(message)
        self.state.changed()


@dataclass(slots=True, eq=False)
class RobotGroup:
    """One group with a robot, reached by its key."""

    state: State
    key: str
    name: str
    messages: list[StaffMessage] = field(default_factory=list)
    _arrivals: list[datetime] = field(default_factory=list)

    def take(self, text: str) -> None:
        """A message of the robot arrives. Raises ApiRefusedError 45009 for the 21st within a minute."""
        with self.state.lock:
            now = self.state.now()
            self._arrivals = [at for at in self._arrivals if now - at < _A_MINUTE]
            if len(self._arrivals) >= _ROBOT_MINUTE:
                raise ApiRefusedError(45009)
            self._arrivals.append(now)
            self.messages.append(StaffMessage(self.state.new_message_id(), "app", "text", text, now))
            self.state.changed()


@dataclass(slots=True, eq=False)
class StaffRoom:
    """All members and robots of the company. With `strict` only add() makes members."""

    state: State
    callbacks: WeComCallbacks
    strict: bool
    members: dict[str, StaffPhone] = field(default_factory=dict)
    robots: dict[str, RobotGroup] = field(default_factory=dict)
    codes: ResponseCodes = field(init=False)

    def __post_init__(self) -> None:
        self.codes = ResponseCodes(self.state)

    def add(self, userid: str, name: str = "") -> StaffPhone:
        """The member's phone, made if there is none yet; a `name` replaces the old one."""
        with self.state.lock:
            phone = self.members.get(userid)
            if phone is None:
                phone = StaffPhone(self.state, self.callbacks, self.codes, userid, name or userid)
                self.members[userid] = phone
            phone.name = name or phone.name
            self.state.changed()
            return phone

    def find(self, userid: str) -> StaffPhone | None:
        """The phone that a message to `userid` reaches; WeCom does not tell capitals apart."""
        with self.state.lock:
            known = {one.lower(): phone for one, phone in self.members.items()}.get(userid.lower())
            return known or (None if self.strict else self.add(userid))

    def get(self, userid: str) -> StaffPhone:
        """The member's phone. Raises NobodyThereError."""
        with self.state.lock:
            if userid not in self.members:
                raise NobodyThereError
            return self.members[userid]


def _replace_name(fields: object) -> str:
    button = fields.get("Button") if hasattr(fields, "get") else None
    return str(button.get("ReplaceName") or "") if isinstance(button, dict) else ""
