"""The way of one API call: planned faults, the emulated interface, the journal. Flask is the blueprint's work."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Protocol

from bot.simulator.calls import Call, Journal
from bot.simulator.faults import Fault, Faults
from bot.simulator.state import State

HTML = "<html><head><title>系统维护</title></head><body>系统维护中，请稍后再试</body></html>"
_PREFIX = "cgi-bin/"
Fields = dict[str, Any]


@dataclass(frozen=True)
class ApiRequest:
    """One call as it came over HTTP."""

    method: str
    query: Mapping[str, str]
    raw: bytes

    @cached_property
    def body(self) -> Any:
        """The parsed JSON; None if there is none or it is not JSON."""
        try:
            return json.loads(self.raw) if self.raw else None
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets: JSON fields, or a text (HTML, nothing), or with `dropped` no answer at all."""

    status: int = HTTPStatus.OK
    fields: Fields | None = None
    text: str = ""
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One interface: its handler, its HTTP method, and whether it wants an access token."""

    handler: Callable[[ApiRequest], Fields]
    method: str = "POST"
    token: bool = True


class Api(Protocol):
    """One emulated host. Called with the simulator's lock held."""

    def answer(self, path: str, request: ApiRequest) -> Answer:
        """What the platform answers to a call of `path` (without cgi-bin/)."""
        ...

    def refusal(self, code: int) -> Fields:
        """The platform's answer with this error code."""
        ...


class Gateway:
    """Takes every call to an emulated host."""

    def __init__(self, state: State, faults: Faults, journal: Journal, apis: Mapping[str, Api]) -> None:
        self._state = state
        self._faults = faults
        self._journal = journal
        self._apis = apis

    def handle(self, host: str, path: str, request: ApiRequest) -> Answer:
        """Answers one call and writes it into the journal. Takes as long as a planned delay."""
        path = path.removeprefix(_PREFIX)
        fault = self._faults.take(host, path)
        if fault is not None and fault.delay_s:
            time.sleep(fault.delay_s)
        broken = self._broken(host, fault) if fault is not None and fault.replaces_answer else None
        happened = None
        if broken is None or (fault is not None and fault.after):
            with self._state.lock:
                happened = self._apis[host].answer(path, request)
        answer = broken or happened or Answer()
        self._journal.add_call(
            Call(host, path, request.body, _noted(answer), self._state.now(), status=answer.status),
        )
        return answer

    def _broken(self, host: str, fault: Fault) -> Answer:
        if fault.drop:
            return Answer(status=HTTPStatus.BAD_GATEWAY, dropped=True)
        if fault.http_status is not None:
            return Answer(status=fault.http_status, text="")
        if fault.html:
            return Answer(text=HTML)
        return Answer(fields=self._apis[host].refusal(fault.errcode or 0))


def _noted(answer: Answer) -> Any:
    if answer.dropped:
        return "<dropped>"
    if answer.fields is not None:
        return answer.fields
    return "<html>" if answer.text else f"<{answer.status}>"
