"""What the simulator is told of the two accounts it stands in for: values only."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

Mode = Literal["plain", "compatible", "safe"]


@dataclass(frozen=True, slots=True)
class WeChatAccount:
    """The official account. `callback_url` is the full address of the bot's /wechat.

    An unverified account may not send msgmenu; a subscription account sends one mass message a day, a service account
    four to each follower a month. Empty `templates` means that every template id exists.
    """

    app_id: str
    app_secret: str
    token: str
    callback_url: str
    encoding_aes_key: str = ""
    mode: Mode = "safe"
    account_type: Literal["service", "subscription"] = "service"
    verified: bool = True
    templates: frozenset[str] = frozenset()

    @property
    def original_id(self) -> str:
        """The account's own name in callbacks, gh_ and twelve characters; it stays with the app_id."""
        return "gh_" + hashlib.sha256(self.app_id.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class WeComAccount:
    """The WeCom application and its group robots. `callback_url` is the full address of the bot's /wecom.

    With `strict_staff` only members who were made by staff_phone() exist; otherwise the first message to an unknown
    userid makes the member.
    """

    corp_id: str
    agent_id: int
    secret: str
    token: str
    encoding_aes_key: str
    callback_url: str
    robot_keys: tuple[str, ...] = ()
    strict_staff: bool = False


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Both accounts and how the simulator behaves.

    `menu` is the menu at the start, as menu/create takes it. `callback_timeout_s` and `echo_timeout_s` are real seconds
    (the platforms wait 5 and 1). `zone` is for what people read; the platforms' own days are Beijing's.
    """

    wechat: WeChatAccount
    wecom: WeComAccount
    menu: Mapping[str, Any] = field(default_factory=dict)
    account_name: str = "离校小助手"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    callback_timeout_s: float = 5.0
    echo_timeout_s: float = 1.0
    students: tuple[str, ...] = ("李同学", "王同学", "赵同学")
