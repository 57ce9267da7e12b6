"""Reading a student's wish to be called by a person: 打给我 and perhaps a number. Pure."""

import re
from dataclasses import dataclass

_ASKS = re.compile(
    r"(?<!别)(?<!不要)(?<!不用)(?:打给我|(?:打|来)个?电话给我|给我(?:打|来)个?电话|(?:请|让|叫)老师(?:打给|联系|找)我)"
)
_PHONE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?(1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?!\d)")


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A student asks to be called. `phone` is eleven digits, or "" if none was given."""

    phone: str


def find_call_request(text: str) -> CallRequest | None:
    """The request in a message; None if it asks for no call. A number alone is no request; see find_phone."""
    return CallRequest(find_phone(text) or "") if _ASKS.search(text) else None


def find_phone(text: str) -> str | None:
    """The first mainland mobile number in a text as eleven digits, written plain or with spaces or dashes."""
    match = _PHONE.search(text)
    return re.sub(r"\D", "", match[1]) if match else None
