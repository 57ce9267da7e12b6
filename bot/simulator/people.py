"""Who has a phone in the simulator: students with their chat, staff with their messages, groups with a robot."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.simulator.window import ServiceWindow


@dataclass(slots=True)
class Bubble:
    """One line in a student's chat. `by` is student, account or system."""

    id: int
    by: str
    kind: str
    text: str
    at: datetime
    status: str = "sent"


@dataclass(slots=True)
class Student:
    """One WeChat user."""

    openid: str
    name: str
    following: bool = False
    window: ServiceWindow = field(default_factory=ServiceWindow)
    bubbles: list[Bubble] = field(default_factory=list)


@dataclass(slots=True)
class StaffMessage:
    """One message on a member's WeCom phone. A card has buttons, and a line in their place once it is updated."""

    id: int
    by: str
    kind: str
    text: str
    at: datetime
    title: str = ""
    buttons: list[dict[str, Any]] = field(default_factory=list)
    task_id: str = ""
    response_code: str = ""
    pressed: str | None = None
    replaced_by: str | None = None


@dataclass(slots=True)
class Member:
    """One WeCom member."""

    userid: str
    name: str
    messages: list[StaffMessage] = field(default_factory=list)
    minute: list[datetime] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """One group with a robot."""

    key: str
    name: str
    messages: list[StaffMessage] = field(default_factory=list)
    minute: list[datetime] = field(default_factory=list)
