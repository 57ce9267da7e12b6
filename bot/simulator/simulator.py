"""Both platforms and the people who use them, all in memory; and what a person does with a phone."""

from typing import Any, Literal

from bot.clock import Chance, Clock
from bot.simulator.calls import Journal
from bot.simulator.errors import ImpossibleActionError, NobodyThereError, ProductionRefusedError
from bot.simulator.faults import Faults
from bot.simulator.people import Bubble, Group, Member, StaffMessage, Student
from bot.simulator.platform import SimulatorSettings
from bot.simulator.posting import Postman, Round
from bot.simulator.quotas import WECHAT_LIMITS, Quotas
from bot.simulator.sealing import Seal
from bot.simulator.state import State
from bot.simulator.tokens import TokenOffice
from bot.simulator.wire import Value


class Simulator:
    """Stands in for WeChat and WeCom. Development only."""

    def __init__(self, settings: SimulatorSettings, clock: Clock, chance: Chance, *, mode: str = "development") -> None:
        """Raises ProductionRefusedError if `mode` is production."""
        if mode == "production":
            raise ProductionRefusedError
        self.settings = settings
        self.clock = clock
        self.state = State(clock, chance)
        self.journal = Journal(self.state)
        self.faults = Faults(self.state)
        self.wechat_tokens = TokenOffice(self.state, unknown_code=40001)
        self.wecom_tokens = TokenOffice(self.state, unknown_code=40014)
        self.quotas = Quotas(self.state, WECHAT_LIMITS)
        self.menu: dict[str, Any] = dict(settings.menu)
        self.students: dict[str, Student] = {}
        self.members: dict[str, Member] = {}
        self.groups = {key: Group(key, "值班老师群") for key in settings.wecom.robot_keys}
        wechat, wecom = settings.wechat, settings.wecom
        self._wechat_post = self._postman(
            "wechat", wechat.callback_url, wechat.mode, wechat.token, wechat.encoding_aes_key, wechat.app_id
        )
        self._wecom_post = self._postman(
            "wecom", wecom.callback_url, "safe", wecom.token, wecom.encoding_aes_key, wecom.corp_id
        )
        for name in settings.students:
            self.add_student(name)

    @property
    def token_fetches(self) -> int:
        """How often the bot asked for an access token of either platform."""
        paths = (("wechat", "token"), ("wechat", "stable_token"), ("wecom", "gettoken"))
        return sum(self.journal.count(host, path) for host, path in paths)

    def add_student(self, name: str) -> Student:
        """A new WeChat user who does not follow the account yet."""
        with self.state.lock:
            openid = f"o{self.state.chance.token(20)[:27]}"
            self.students[openid] = Student(openid, name)
            self.state.changed()
            return self.students[openid]

    def add_member(self, userid: str, name: str = "") -> Member:
        """The WeCom member with this userid."""
        with self.state.lock:
            member = self.members.setdefault(userid, Member(userid, name or userid))
            member.name = name or member.name
            self.state.changed()
            return member

    def get_student(self, openid: str) -> Student:
        """Raises NobodyThereError."""
        if openid not in self.students:
            raise NobodyThereError
        return self.students[openid]

    def get_member(self, userid: str) -> Member:
        """Raises NobodyThereError."""
        if userid not in self.members:
            raise NobodyThereError
        return self.members[userid]

    def show(self, student: Student, by: str, kind: str, text: str, *, status: str = "sent") -> Bubble:
        """One more line in the student's chat."""
        with self.state.lock:
            bubble = Bubble(self.state.new_message_id(), by, kind, text, self.state.now(), status)
            student.bubbles.append(bubble)
            self.state.changed()
            return bubble

    def follow(self, openid: str, *, scene: str = "") -> Round:
        """The student follows the account, by a scene's code if `scene` is given."""
        student = self.get_student(openid)
        student.following = True
        self.show(student, "system", "event", f"你已关注“{self.settings.account_name}”")
        return self._event(student, "subscribe", f"qrscene_{scene}" if scene else "")

    def unfollow(self, openid: str) -> Round:
        """The student follows no more."""
        student = self.get_student(openid)
        student.following = False
        self.show(student, "system", "event", "你已取消关注")
        return self._event(student, "unsubscribe", "")

    def scan(self, openid: str, scene: str) -> Round:
        """The student scans a code of the account."""
        student = self.get_student(openid)
        return self._event(student, "SCAN", scene) if student.following else self.follow(openid, scene=scene)

    def click(self, openid: str, key: str) -> Round:
        """The student taps a menu item."""
        return self._event(self._follower(openid), "CLICK", key)

    def say(self, openid: str, kind: Literal["text", "voice", "image"], text: str = "") -> Round:
        """The student sends a text, a voice message that was recognised as `text`, or a picture."""
        student = self._follower(openid)
        bubble = self.show(student, "student", kind, text, status="sending")
        student.window = student.window.message_came(self.state.now())
        number = self.state.new_platform_id()
        fields: dict[str, Value] = {**self._head(student), "MsgType": kind}
        if kind == "text":
            fields["Content"] = text
        elif kind == "voice":
            fields |= {"MediaId": "voice", "Format": "amr", "Recognition": text}
        else:
            fields |= {"PicUrl": "http://127.0.0.1/none.jpg", "MediaId": "image"}
        done = self._wechat_post.post({**fields, "MsgId": number})
        bubble.status = {"failed": "failed", "empty": "sent"}.get(done.status, "answered")
        return self._answered(student, done)

    def staff_says(self, userid: str, text: str) -> Round:
        """A member writes to the application."""
        member = self.get_member(userid)
        self._note(member.messages, StaffMessage(self.state.new_message_id(), "staff", "text", text, self.state.now()))
        fields = {**self._wecom_head(member), "MsgType": "text", "Content": text}
        return self._staff_answered(member, fields | {"MsgId": self.state.new_platform_id()})

    def staff_presses(self, userid: str, message_id: int, key: str) -> Round:
        """A member presses a card's button. Each card can be pressed once."""
        member = self.get_member(userid)
        card = next((message for message in member.messages if message.id == message_id), None)
        if card is None or card.kind != "card" or card.pressed is not None:
            message = "这张卡片不能再按了。"
            raise ImpossibleActionError(message)
        card.pressed = key
        card.response_code = self.state.chance.token(24)
        self.state.changed()
        fields = {
            **self._wecom_head(member),
            "MsgType": "event",
            "Event": "template_card_event",
            "EventKey": key,
            "TaskId": card.task_id,
            "CardType": "button_interaction",
            "ResponseCode": card.response_code,
        }
        return self._staff_answered(member, fields)

    def verify(self, platform: Literal["wechat", "wecom"]) -> bool:
        """True if the bot's address passes the platform's check."""
        post = self._wechat_post if platform == "wechat" else self._wecom_post
        return post.verify(self.state.chance.token(12))

    def _event(self, student: Student, event: str, key: str) -> Round:
        if event != "unsubscribe":
            student.window = student.window.tap_came(self.state.now())
        fields = {**self._head(student), "MsgType": "event", "Event": event, "EventKey": key}
        return self._answered(student, self._wechat_post.post(fields))

    def _answered(self, student: Student, done: Round) -> Round:
        if done.reply:
            failed = done.status == "failed"
            self.show(student, "system" if failed else "account", "text", done.reply)
        self.state.changed()
        return done

    def _staff_answered(self, member: Member, fields: dict[str, Value]) -> Round:
        done = self._wecom_post.post(fields)
        if done.reply and done.status == "answered":
            reply = StaffMessage(self.state.new_message_id(), "app", "text", done.reply, self.state.now())
            self._note(member.messages, reply)
        return done

    def _note(self, messages: list[StaffMessage], message: StaffMessage) -> None:
        with self.state.lock:
            messages.append(message)
            self.state.changed()

    def _follower(self, openid: str) -> Student:
        student = self.get_student(openid)
        if not student.following:
            message = "还没有关注这个公众号，先点“关注”。"
            raise ImpossibleActionError(message)
        return student

    def _head(self, student: Student) -> dict[str, Value]:
        return {
            "ToUserName": self.settings.wechat.original_id,
            "FromUserName": student.openid,
            "CreateTime": int(self.state.now().timestamp()),
        }

    def _wecom_head(self, member: Member) -> dict[str, Value]:
        return {
            "ToUserName": self.settings.wecom.corp_id,
            "FromUserName": member.userid,
            "CreateTime": int(self.state.now().timestamp()),
            "AgentID": self.settings.wecom.agent_id,
        }

    def _postman(self, platform: str, url: str, mode: str, token: str, key: str, receiver: str) -> Postman:
        seal = Seal(token=token, encoding_aes_key=key, receiver_id=receiver, chance=self.state.chance)
        return Postman(
            self.state,
            self.journal,
            self.faults,
            seal,
            platform=platform,
            url=url,
            mode=mode,
            timeout_s=self.settings.callback_timeout_s,
        )
