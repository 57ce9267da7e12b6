"""What the robots of WeCom, DingTalk and Feishu want to hear, what they answer, and how often they listen.

We call them ourselves and not through a library of a hundred services: it would tell us only that something failed,
and the next step depends on what. Sources: WeCom, group robots (20 a minute, 45009 beyond); DingTalk, custom robots
(20 a minute, then ten minutes of silence; HMAC-SHA256 in the query); Feishu, custom robots (100 a minute and 5 a
second; HMAC-SHA256 in the body).
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote_plus

from bot.channel.errors import FeatureOffError, PermanentSendError, RateLimitedError, SendError, TemporarySendError
from bot.channel.messages import Source
from bot.gateway.codes import UNKNOWN, Code, error_for, error_of

_MINUTE = timedelta(minutes=1)


class Brand(StrEnum):
    """Whose robot it is."""

    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"


PER_MINUTE = {Brand.WECOM: 20, Brand.DINGTALK: 20, Brand.FEISHU: 100}
DINGTALK_CODES: dict[int, Code] = {
    -1: Code(TemporarySendError, "钉钉繁忙，稍后会自动再试"),
    40035: Code(PermanentSendError, "请求的参数不对，这是程序的错误，请报告"),
    43004: Code(PermanentSendError, "请求的格式不对，这是程序的错误，请报告"),
    90030: Code(RateLimitedError, "钉钉机器人的次数用完了", timedelta(minutes=10)),
    130101: Code(RateLimitedError, "钉钉机器人发得太快，被停 10 分钟", timedelta(minutes=10)),
    300001: Code(FeatureOffError, "钉钉机器人的地址不对；核对 relay.dingtalk_webhooks"),
    300005: Code(FeatureOffError, "钉钉机器人的地址不对；核对 relay.dingtalk_webhooks"),
    310000: Code(FeatureOffError, "钉钉机器人的安全设置不放行：核对签名密钥、关键词（设为“警报”不够，请用签名）和 IP"),
    400013: Code(FeatureOffError, "钉钉群已经解散"),
    400101: Code(FeatureOffError, "钉钉机器人的地址失效；重新添加并更新 relay.dingtalk_webhooks"),
    400102: Code(FeatureOffError, "钉钉机器人被停用；在群里启用"),
    400105: Code(PermanentSendError, "钉钉机器人不支持这种消息，这是程序的错误，请报告"),
    400106: Code(FeatureOffError, "钉钉机器人不存在；重新添加并更新 relay.dingtalk_webhooks"),
    410100: Code(RateLimitedError, "钉钉机器人发得太快", _MINUTE),
    450101: Code(RateLimitedError, "钉钉机器人发得太快", _MINUTE),
    430101: Code(PermanentSendError, "钉钉说消息里有不安全的链接"),
    430102: Code(PermanentSendError, "钉钉说消息里有不合适的文字"),
    430104: Code(PermanentSendError, "钉钉说消息里有不合适的内容"),
}
FEISHU_CODES: dict[int, Code] = {
    9499: Code(PermanentSendError, "请求的格式不对，这是程序的错误，请报告"),
    11232: Code(RateLimitedError, "飞书机器人发得太快", _MINUTE),
    19001: Code(FeatureOffError, "飞书机器人的地址失效；重新添加并更新 relay.feishu_webhooks"),
    19002: Code(PermanentSendError, "飞书说缺少参数，这是程序的错误，请报告"),
    19021: Code(FeatureOffError, "飞书机器人的签名不对：核对密钥，和机器时间"),
    19022: Code(FeatureOffError, "飞书机器人的 IP 白名单不放行"),
    19024: Code(FeatureOffError, "飞书机器人设了关键词；请改用签名"),
    99991400: Code(RateLimitedError, "飞书机器人发得太快", _MINUTE),
}


@dataclass(frozen=True, slots=True)
class Robot:
    """One group's robot. The address holds its key; neither it nor the secret is ever shown."""

    brand: Brand
    address: str = field(repr=False)
    secret: str = field(default="", repr=False)


def robot_from(brand: Brand, setting: str) -> Robot:
    """The robot of a setting: its address, and after a | its signing secret if it has one."""
    address, _, secret = setting.partition("|")
    return Robot(brand, address.strip(), secret.strip())


def request_of(robot: Robot, text: str, now: datetime) -> tuple[str, bytes]:
    """The address and the JSON body that put `text` into the robot's group."""
    if robot.brand is Brand.FEISHU:
        fields: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
        if robot.secret:
            stamp = str(int(now.timestamp()))
            fields |= {"timestamp": stamp, "sign": _sign(f"{stamp}\n{robot.secret}", "")}
        return robot.address, _encoded(fields)
    address = robot.address
    if robot.brand is Brand.DINGTALK and robot.secret:
        stamp = str(int(now.timestamp() * 1000))
        sign = quote_plus(_sign(robot.secret, f"{stamp}\n{robot.secret}"))
        address = f"{address}{'&' if '?' in address else '?'}timestamp={stamp}&sign={sign}"
    return address, _encoded({"msgtype": "text", "text": {"content": text}})


def error_in(brand: Brand, answer: dict[str, Any]) -> SendError | None:
    """What the answer's code means for the next step; None if the group has the message."""
    word = answer.get("code", answer.get("StatusCode", 0)) if brand is Brand.FEISHU else answer.get("errcode", 0)
    try:
        code = int(word)
    except (TypeError, ValueError):
        code = -1
    if code == 0:
        return None
    if brand is Brand.WECOM:
        return error_for(Source.ROBOT, code)
    table = DINGTALK_CODES if brand is Brand.DINGTALK else FEISHU_CODES
    return error_of(table.get(code, UNKNOWN), brand.value, str(code))


def _sign(key: str, words: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), words.encode(), hashlib.sha256).digest()).decode()


def _encoded(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
