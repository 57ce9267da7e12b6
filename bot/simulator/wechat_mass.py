"""WeChat's mass messages: who gets one, how many a month, no doubles by clientmsgid, and the result afterwards."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from bot.simulator.api_wechat import ok
from bot.simulator.callbacks import WeChatCallbacks
from bot.simulator.codes import ApiRefusedError
from bot.simulator.errands import Errands
from bot.simulator.gateway import ApiRequest, Fields, Route
from bot.simulator.platform import WeChatAccount
from bot.simulator.state import State
from bot.simulator.students import StudentPhone
from bot.simulator.wechat_messages import text_of

_BEIJING = ZoneInfo("Asia/Shanghai")
_EACH_A_MONTH = 4
_FEWEST, _MOST = 2, 10_000
_CLIENT_ID_CHARACTERS = 64
_REPORTER = "oMassMessageReporter0000000_"


@dataclass(slots=True)
class _Job:
    message_id: int
    status: str = "SEND_SUCCESS"


class MassDesk:
    """The interfaces below message/mass/.

    A service account reaches each follower four times a calendar month; a subscription account sends once a day.
    """

    def __init__(
        self,
        state: State,
        account: WeChatAccount,
        students: Mapping[str, StudentPhone],
        callbacks: WeChatCallbacks,
        errands: Errands,
    ) -> None:
        self._state = state
        self._account = account
        self._students = students
        self._callbacks = callbacks
        self._errands = errands
        self._used: Counter[str] = Counter()
        self._jobs: dict[int, _Job] = {}
        self._client_ids: dict[str, int] = {}
        self.routes = {
            "message/mass/send": Route(self._send),
            "message/mass/sendall": Route(self._send_all),
            "message/mass/get": Route(self._get),
        }

    def _send(self, request: ApiRequest) -> Fields:
        openids = request.body.get("touser")
        if not isinstance(openids, list) or not _FEWEST <= len(openids) <= _MOST:
            raise ApiRefusedError(40130)
        known = [self._students[openid] for openid in dict.fromkeys(openids) if openid in self._students]
        if not known:
            raise ApiRefusedError(40003)
        return self._job(request.body, known, total=len(openids))

    def _send_all(self, request: ApiRequest) -> Fields:
        scope = request.body.get("filter")
        if not isinstance(scope, dict) or scope.get("is_to_all") is not True:
            raise ApiRefusedError(40035, "invalid filter: the simulator knows no tags, use is_to_all")
        followers = [student for student in self._students.values() if student.following]
        return self._job(request.body, followers, total=len(followers))

    def _get(self, request: ApiRequest) -> Fields:
        job = self._jobs.get(request.body.get("msg_id", 0))
        if job is None:
            raise ApiRefusedError(40035)
        return {"msg_id": job.message_id, "msg_status": job.status}

    def _job(self, body: Mapping[str, Any], students: list[StudentPhone], *, total: int) -> Fields:
        if body.get("msgtype") != "text":
            raise ApiRefusedError(40008)
        text = text_of(body)
        client_id = str(body.get("clientmsgid") or "")[:_CLIENT_ID_CHARACTERS]
        if client_id in self._client_ids:
            raise ApiRefusedError(45065, msg_id=self._client_ids[client_id])
        reached = [student for student in students if student.following and self._may_reach(student)]
        if students and not reached and any(student.following for student in students):
            raise ApiRefusedError(45028)
        number = self._state.new_platform_id()
        self._jobs[number] = _Job(number)
        if client_id:
            self._client_ids[client_id] = number
        if self._account.account_type == "subscription":
            self._used[self._period("")] += 1
        for student in reached:
            self._used[self._period(student.openid)] += 1
            student.show("account", "text", text)
        sent, gone = len(reached), total - len(reached)
        self._errands.run(lambda: self._report(number, total=total, sent=sent, failed=gone))
        return ok(errmsg="send job submission success", msg_id=number, msg_data_id=number % 10**10)

    def _may_reach(self, student: StudentPhone) -> bool:
        if self._account.account_type == "subscription":
            return not self._used[self._period("")]
        return self._used[self._period(student.openid)] < _EACH_A_MONTH

    def _period(self, openid: str) -> str:
        now = self._state.now().astimezone(_BEIJING)
        return f"{now:%Y-%m}/{openid}" if openid else f"{now:%Y-%m-%d}"

    def _report(self, number: int, *, total: int, sent: int, failed: int) -> None:
        self._callbacks.deliver(
            _REPORTER,
            {
                "MsgType": "event",
                "Event": "MASSSENDJOBFINISH",
                "MsgID": number,
                "Status": "send success",
                "TotalCount": total,
                "FilterCount": total,
                "SentCount": sent,
                "ErrorCount": failed,
            },
        )
