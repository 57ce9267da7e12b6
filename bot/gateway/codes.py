"""The platforms' error codes: what each means for the next step. The one table; every row has a test.

Source: WeChat's and WeCom's lists of global return codes (2026-11).
"""

from dataclasses import dataclass
from datetime import timedelta

from bot.channel.errors import (
    FeatureOffError,
    PermanentSendError,
    RateLimitedError,
    RecipientGoneError,
    SendError,
    TemporarySendError,
    TokenRefusedError,
    WindowClosedError,
)
from bot.channel.messages import Source


@dataclass(frozen=True, slots=True)
class Code:
    """One error code: the error to raise, the sentence for the operator, and the wait where the platform names one."""

    error: type[SendError]
    words: str
    wait: timedelta | None = None


_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
TOKEN_CODES = frozenset({40001, 40014, 42001})

_BOTH: dict[int, Code] = {
    -1: Code(TemporarySendError, "平台繁忙，稍后会自动再试"),
    40001: Code(TokenRefusedError, "访问令牌不被接受；核对密钥（secret）是否刚被重置"),
    40014: Code(TokenRefusedError, "访问令牌不合法；核对密钥（secret）"),
    42001: Code(TokenRefusedError, "访问令牌过期；会自动重取"),
    40013: Code(TokenRefusedError, "AppID 或 CorpID 不对；核对设置"),
    41001: Code(TokenRefusedError, "请求里没有访问令牌"),
    45002: Code(PermanentSendError, "消息太长"),
    47001: Code(PermanentSendError, "请求的格式不对，这是程序的错误，请报告"),
    50002: Code(FeatureOffError, "账号被限制；登录公众平台查看"),
}
_WECHAT: dict[int, Code] = {
    40003: Code(RecipientGoneError, "OpenID 不对，或不属于这个公众号"),
    40015: Code(PermanentSendError, "菜单按钮的类型不对"),
    40016: Code(PermanentSendError, "菜单按钮的个数不对，一级 1–3 个"),
    40018: Code(PermanentSendError, "菜单按钮的名称太长或空着"),
    40019: Code(PermanentSendError, "菜单按钮的 key 太长或空着"),
    40020: Code(PermanentSendError, "菜单按钮的网址太长或空着"),
    40023: Code(PermanentSendError, "子菜单的个数不对，最多 5 个"),
    40037: Code(FeatureOffError, "模板编号不对；核对 broadcast.templates"),
    40125: Code(TokenRefusedError, "AppSecret 不对；到公众平台重新生成并更新 wechat.app_secret"),
    40164: Code(FeatureOffError, "服务器 IP 不在公众平台的白名单里；把它加进去"),
    40200: Code(FeatureOffError, "账号没有认证，不能用这个接口"),
    43004: Code(RecipientGoneError, "对方没有关注"),
    43019: Code(RecipientGoneError, "对方在黑名单里"),
    43101: Code(PermanentSendError, "对方没有剩余的订阅次数"),
    43117: Code(RateLimitedError, "订阅通知发得太快", _MINUTE),
    45009: Code(RateLimitedError, "接口今天的次数用完了；明天零点恢复", _HOUR),
    45011: Code(RateLimitedError, "接口调得太快", _MINUTE),
    45015: Code(WindowClosedError, "学生超过 48 小时没有说话，不能主动发"),
    45047: Code(WindowClosedError, "这 48 小时里给这位学生的条数用完了"),
    45028: Code(FeatureOffError, "本月的群发次数用完了"),
    45065: Code(PermanentSendError, "同一个 clientmsgid 的群发已经有了"),
    45066: Code(RateLimitedError, "同一个 clientmsgid 的群发间隔太短", _MINUTE),
    46003: Code(PermanentSendError, "还没有自定义菜单"),
    48001: Code(FeatureOffError, "账号没有这个接口的权限；到公众平台申请"),
    48002: Code(RecipientGoneError, "对方拒收消息"),
    48004: Code(FeatureOffError, "接口被封禁；登录公众平台查看原因"),
    48006: Code(FeatureOffError, "清零次数用完了，下月恢复"),
    61004: Code(FeatureOffError, "服务器 IP 没有登记；到公众平台加进白名单"),
    89503: Code(FeatureOffError, "这个 IP 的调用要管理员确认；请管理员在微信里确认"),
}
_WECOM: dict[int, Code] = {
    40003: Code(RecipientGoneError, "企业微信账号不存在"),
    40056: Code(PermanentSendError, "应用的 AgentID 不对；核对 wecom.agent_id"),
    40058: Code(PermanentSendError, "请求的参数不对，这是程序的错误，请报告"),
    40093: Code(PermanentSendError, "卡片的 task_id 重复"),
    40130: Code(PermanentSendError, "接收人太多"),
    42014: Code(PermanentSendError, "卡片的 response_code 已经用过或过期"),
    45009: Code(RateLimitedError, "发得太快；一分钟后再试", _MINUTE),
    45033: Code(RateLimitedError, "同时的请求太多", timedelta(seconds=5)),
    48002: Code(FeatureOffError, "应用没有这个接口的权限；在企业微信后台打开"),
    60011: Code(FeatureOffError, "应用的可见范围不包括对方；在企业微信后台调整"),
    60020: Code(FeatureOffError, "服务器 IP 不在应用的可信 IP 里；在企业微信后台加上"),
    60111: Code(RecipientGoneError, "企业微信账号不存在"),
    81013: Code(RecipientGoneError, "接收人都不在应用的可见范围里"),
    82001: Code(PermanentSendError, "没有指定接收人"),
    93000: Code(PermanentSendError, "群机器人的地址失效；重新添加机器人并更新 wecom.robot_webhooks"),
}
CODES: dict[Source, dict[int, Code]] = {
    Source.WECHAT: _BOTH | _WECHAT,
    Source.WECOM: _BOTH | _WECOM,
    Source.ROBOT: _BOTH | _WECOM,
}
UNKNOWN = Code(TemporarySendError, "平台返回了没有登记的错误码")


def error_for(source: Source, code: int) -> SendError:
    """The error that a return code other than 0 means. A code that nobody knows is tried again."""
    return error_of(CODES[source].get(code, UNKNOWN), source.value, str(code))


def error_of(row: Code, way: str, code: str) -> SendError:
    """The error of a table's row, as it was met on `way` with the platform's own `code`."""
    message = f"{row.words}（{way} {code}）"
    if issubclass(row.error, TemporarySendError):
        return row.error(message, code=code, retry_after=row.wait)
    return row.error(message, code=code)
