"""Planned faults: which calls go wrong, how, and how often. What a fault does to an answer is the gateway's work."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from bot.simulator.errors import ImpossibleActionError
from bot.simulator.state import State

Host = Literal["wechat", "wecom", "callback"]
HOSTS: tuple[Host, ...] = ("wechat", "wecom", "callback")
_LONGEST_DELAY_S = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """One planned fault. `path` is a prefix without cgi-bin/, "" for every call; `times` None is until cleared.

    Exactly what goes wrong: `delay_s` real seconds first; then an error code, an HTTP status, a dropped connection or
    a page of HTML. With `after` the call takes effect and then its answer is lost to the fault. For the host
    "callback" the path is wechat or wecom and `drop` means that the platform never hears the bot's answer.
    """

    id: int
    host: Host
    path: str = ""
    errcode: int | None = None
    http_status: int | None = None
    delay_s: float = 0
    drop: bool = False
    html: bool = False
    after: bool = False
    times: int | None = 1

    @property
    def replaces_answer(self) -> bool:
        """True if the caller gets something else than the true answer; a delay alone does not."""
        return self.errcode is not None or self.http_status is not None or self.drop or self.html

    def fits(self, host: str, path: str) -> bool:
        """True if a call to `path` on `host` meets this fault."""
        return self.host == host and path.startswith(self.path)


class Faults:
    """The planned faults, in the order in which they were added; a call meets the first that fits."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._faults: list[Fault] = []
        self._last_id = 0

    def add(
        self,
        host: Host,
        path: str = "",
        *,
        errcode: int | None = None,
        http_status: int | None = None,
        delay_s: float = 0,
        drop: bool = False,
        html: bool = False,
        after: bool = False,
        times: int | None = 1,
    ) -> int:
        """Plans a fault and returns its id. Raises ImpossibleActionError for one that means nothing."""
        if host not in HOSTS:
            raise ImpossibleActionError(f"故障的 host 应为 {'、'.join(HOSTS)} 之一")
        if not 0 <= delay_s <= _LONGEST_DELAY_S:
            raise ImpossibleActionError(f"delay_s 应在 0 到 {_LONGEST_DELAY_S} 秒之间")
        if times is not None and times < 1:
            raise ImpossibleActionError("times 应不小于 1，或留空表示一直有效")
        fault = Fault(0, host, path, errcode, http_status, delay_s, drop, html, after, times)
        if not fault.replaces_answer and not delay_s:
            raise ImpossibleActionError("请说明是什么故障：errcode、http_status、delay_s、drop 或 html")
        with self._state.lock:
            self._last_id += 1
            self._faults.append(replace(fault, id=self._last_id))
            self._state.changed()
            return self._last_id

    def take(self, host: str, path: str) -> Fault | None:
        """The fault that this call meets, counted down; None if it goes well."""
        with self._state.lock:
            for index, fault in enumerate(self._faults):
                if not fault.fits(host, path):
                    continue
                if fault.times is not None:
                    left = fault.times - 1
                    self._faults[index : index + 1] = [replace(fault, times=left)] if left else []
                    self._state.changed()
                return fault
            return None

    def clear(self) -> None:
        """From now on every call goes well."""
        with self._state.lock:
            self._faults.clear()
            self._state.changed()

    def describe(self) -> list[dict[str, Any]]:
        """What is still planned, as JSON values."""
        with self._state.lock:
            return [asdict(fault) for fault in self._faults]
