"""Departure steps that bring a reminder with them, and how a change of a student's profile shows one: pure rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

STEPS: Mapping[str, str] = {
    "dorm_left": "退宿",
    "loan_confirmed": "贷款确认",
    "destination_registered": "去向登记",
}
_NOT_YET = frozenset({"", "未就业", "待就业", "未登记"})


@dataclass(frozen=True, slots=True)
class StepDone:
    """A student, by the contact that writes for them, has done a step of STEPS."""

    contact: str
    step: str
    at: datetime


def steps_shown(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    """The steps that the change of a profile shows, by its fields dorm, has_loan and destination.

    A bed that is given up, a loan that is there no more, a destination where there was none. A field that is missing
    on either side shows nothing: a list without a column says nothing about it.
    """
    both = before.keys() & after.keys()
    if "dorm" in both and before["dorm"] and not after["dorm"]:
        yield "dorm_left"
    if "has_loan" in both and before["has_loan"] is True and after["has_loan"] is False:
        yield "loan_confirmed"
    if "destination" in both and _is_open(before["destination"]) and not _is_open(after["destination"]):
        yield "destination_registered"


def _is_open(destination: object) -> bool:
    return str(destination or "") in _NOT_YET
