"""Students' phones: what a student does with one, and the chat with the account that it shows."""

import hashlib
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from bot.simulator.callbacks import WeChatCallbacks
from bot.simulator.codes import ApiRefusedError
from bot.simulator.errors import ImpossibleActionError
from bot.simulator.posting import Round
from bot.simulator.state import State
from bot.simulator.window import ServiceWindow
from bot.simulator.wire import Value

FAULT_LINE = "该公众号提供的服务出现故障，请稍后再试"
_OPENID_CHARACTERS = 28


@dataclass(slots=True)
class Bubble:
    """One line of a chat. `by` is student, account or system; `kind` is text, voice, image or event.

    The status of the student's own lines: sent, answered, retried (answered after a second or third try), failed.
    `choices` are the tappable lines of a msgmenu, id and words.
    """

    id: int
    by: str
    kind: str
    text: str
    at: datetime
    status: str = "sent"
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True, eq=False)
class StudentPhone:
    """One WeChat user. Actions return when the bot has answered or the platform has given up."""

    state: State
    callbacks: WeChatCallbacks
    openid: str
    name: str
    account_name: str
    following: bool = False
    followed_at: datetime | None = None
    scene: str = ""
    blocks: bool = False
    window: ServiceWindow = field(default_factory=ServiceWindow)
    bubbles: list[Bubble] = field(default_factory=list)
    subscriptions: Counter[str] = field(default_factory=Counter)
    unread: int = 0
    _stamps: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def answers(self) -> list[str]:
        """The texts that the account sent, oldest first, passive replies and later messages alike."""
        with self.state.lock:
            return [bubble.text for bubble in self.bubbles if bubble.by == "account"]

    def follow(self, *, scene: str = "") -> Round:
        """Follows the account, by a code's scene if one is given. Raises ImpossibleActionError for a follower."""
        with self.state.lock:
            if self.following:
                raise ImpossibleActionError(f"{self.name}已经关注了")
            self.start_following(scene)
            self.show("system", "event", f"你已关注“{self.account_name}”")
        return self._event("subscribe", f"qrscene_{scene}" if scene else "", scene=scene)

    def unfollow(self) -> Round:
        """Follows no more; what the bot answers is never seen."""
        with self.state.lock:
            self._must_follow()
            self.following, self.followed_at, self.window = False, None, ServiceWindow()
            self.show("system", "event", "你已取消关注")
        return self._event("unsubscribe", "", heard=False)

    def writes(self, text: str) -> Round:
        """Sends a text."""
        return self._message("text", text, {"Content": text})

    def says(self, recognition: str) -> Round:
        """Sends a voice message that the platform recognised as `recognition`, "" if it could not."""
        media = {"MediaId": self.state.chance.token(48), "Format": "amr", "Recognition": recognition}
        return self._message("voice", recognition, media)

    def sends_image(self) -> Round:
        """Sends a picture."""
        return self._message("image", "", {"PicUrl": "http://127.0.0.1/0", "MediaId": self.state.chance.token(48)})

    def taps(self, choice: str) -> Round:
        """Taps the line `choice` (its id) of the newest msgmenu that has it, which writes its words."""
        with self.state.lock:
            choices = (pair for bubble in reversed(self.bubbles) for pair in bubble.choices)
            words = next((words for key, words in choices if key == choice), None)
        if words is None:
            raise ImpossibleActionError("聊天里没有这个选项")
        return self._message("text", words, {"Content": words, "bizmsgmenuid": choice})

    def clicks(self, key: str) -> Round:
        """Taps the menu item with this key."""
        with self.state.lock:
            self._must_follow()
            self.window = self.window.tap_came(self.state.now())
        return self._event("CLICK", key)

    def views(self, url: str) -> Round:
        """Opens the page behind a menu item; nothing may be sent to the student for that."""
        with self.state.lock:
            self._must_follow()
        return self._event("VIEW", url, heard=False)

    def scans(self, scene: str) -> Round:
        """Scans a code of the account: a follow for a stranger, a SCAN event for a follower."""
        with self.state.lock:
            if self.following:
                self.window = self.window.tap_came(self.state.now())
        return self._event("SCAN", scene, scene=scene) if self.following else self.follow(scene=scene)

    def subscribes(self, template_id: str) -> Round:
        """Allows one more subscription notice of this template."""
        with self.state.lock:
            self._must_follow()
            self.subscriptions[template_id] += 1
        tapped = {"TemplateId": template_id, "SubscribeStatusString": "accept", "PopupScene": "0"}
        return self._event(
            "subscribe_msg_popup_event", "", heard=False, fields={"SubscribeMsgPopupEvent": {"List": tapped}}
        )

    def start_following(self, scene: str = "") -> None:
        """Makes the student a follower without telling the bot, as for a follow of long ago."""
        with self.state.lock:
            now = self.state.now()
            self.following, self.followed_at, self.scene = True, now, scene
            self.window = self.window.tap_came(now)
            self.state.changed()

    def show(self, by: str, kind: str, text: str, *, choices: tuple[tuple[str, str], ...] = ()) -> Bubble:
        """One more line in the chat."""
        with self.state.lock:
            bubble = Bubble(self.state.new_message_id(), by, kind, text, self.state.now(), choices=choices)
            self.bubbles.append(bubble)
            self.unread = 0 if by == "student" else self.unread + (by == "account")
            self.state.changed()
            return bubble

    def take_service_message(self, text: str, choices: tuple[tuple[str, str], ...] = ()) -> None:
        """A customer-service message arrives. Raises ApiRefusedError if the platform would not send it."""
        with self.state.lock:
            self.must_be_reachable()
            self.window = self.window.spent(self.state.now())
            self.show("account", "text", text, choices=choices)

    def take_subscription_notice(self, template_id: str, text: str) -> None:
        """A subscription notice arrives and uses up one permission. Raises ApiRefusedError 43101 if none is left."""
        with self.state.lock:
            if not self.subscriptions[template_id]:
                raise ApiRefusedError(43101)
            self.subscriptions[template_id] -= 1
            self.show("account", "text", text)

    def must_be_reachable(self) -> None:
        """Raises ApiRefusedError 43004 for one who does not follow, 43019 for one on the account's black list."""
        if not self.following:
            raise ApiRefusedError(43004)

    def sends_event(self, event: str, key: str = "") -> Round:
        """Sends an event that no other method sends, one of tomorrow's for example."""
        return self._event(event, key)

    def report(self, event: str, fields: Mapping[str, Value]) -> Round:
        """Tells the bot of something that the platform did for this student, such as TEMPLATESENDJOBFINISH."""
        return self._event(event, "", heard=False, fields=fields)

    def _message(self, kind: Literal["text", "voice", "image"], shown: str, fields: Mapping[str, Value]) -> Round:
        with self.state.lock:
            self._must_follow()
            self.window = self.window.message_came(self.state.now())
            bubble = self.show("student", kind, shown)
            number = self.state.new_platform_id()
        done = self.callbacks.deliver(self.openid, {"MsgType": kind, **fields, "MsgId": number})
        with self.state.lock:
            if done.status == "failed":
                bubble.status = "failed"
            elif done.tries > 1:
                bubble.status = "retried"
            else:
                bubble.status = "answered" if done.status == "answered" else "sent"
            self.state.changed()
        return self._heard(done)

    def _event(
        self, event: str, key: str, *, heard: bool = True, scene: str = "", fields: Mapping[str, Value] | None = None
    ) -> Round:
        with self.state.lock:
            stamp = self._stamp(event, key)
        ticket: dict[str, Value] = {"Ticket": f"gQ{scene}"} if scene else {}
        whole: dict[str, Value] = {
            "CreateTime": stamp,
            "MsgType": "event",
            "Event": event,
            **({"EventKey": key} if event not in _WITHOUT_KEY else {}),
            **ticket,
            **(fields or {}),
        }
        done = self.callbacks.deliver(self.openid, whole)
        return self._heard(done) if heard else replace(done, reply="")

    def _heard(self, done: Round) -> Round:
        if done.status == "failed":
            self.show("system", "text", FAULT_LINE)
            return replace(done, reply=FAULT_LINE)
        if done.reply:
            self.show("account", "text", done.reply)
        return done

    def _must_follow(self) -> None:
        if not self.following:
            raise ImpossibleActionError(f"{self.name}还没有关注这个公众号，先点“关注”")

    def _stamp(self, event: str, key: str) -> int:
        """The event's CreateTime; the same event again in the same second gets the next one.

        The platforms tell events apart by sender and second only, and a clock that stands still must not make two
        taps one.
        """
        now = int(self.state.now().timestamp())
        last = self._stamps.get((event, key))
        self._stamps[event, key] = now if last is None or now > last or now < last - 60 else last + 1
        return self._stamps[event, key]


_WITHOUT_KEY = frozenset({"subscribe_msg_popup_event", "TEMPLATESENDJOBFINISH", "MASSSENDJOBFINISH"})


def openid_for(app_id: str, name: str, ordinal: int) -> str:
    """28 characters, the same after a restart: the bot's database and the simulator speak of the same people."""
    digest = hashlib.sha256(f"{app_id}/{name}/{ordinal}".encode()).digest()
    return "o" + urlsafe_b64encode(digest).decode()[: _OPENID_CHARACTERS - 1]
