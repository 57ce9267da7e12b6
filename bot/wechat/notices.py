"""The official account's other ways to students: template messages, subscription notices, mass sends."""

from typing import Any

from bot.channel.channel import Receipt
from bot.channel.errors import PermanentSendError
from bot.channel.messages import MassContent, OutboundMessage, TemplateContent
from bot.wechat.client import GatewayClient

_CLIENT_ID_TAKEN = "45065"


class TemplateChannel:
    """Template messages: notices about procedure and safety. What became of one comes as TEMPLATESENDJOBFINISH."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def send(self, message: OutboundMessage, /) -> Receipt:
        """WeChat has taken the message; the receipt has the id that the event will name. Raises SendError."""
        answer = self._client.post("message/template/send", data=_filled(message))
        return Receipt(platform_id=str(answer.get("msgid", "")))


class SubscriptionChannel:
    """Subscription notices: one for each time that the student allowed one."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def send(self, message: OutboundMessage, /) -> Receipt:
        """WeChat has sent the notice. Raises SendError, PermanentSendError 43101 when the student allows none."""
        self._client.post("message/subscribe/bizsend", data=_filled(message))
        return Receipt()


class MassChannel:
    """One text to many openids. What became of it comes as MASSSENDJOBFINISH."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def send(self, message: OutboundMessage, /) -> Receipt:
        """WeChat has taken the job, now or at an earlier try with the same client id. Raises SendError."""
        content = message.content
        if not isinstance(content, MassContent):
            raise PermanentSendError(code="mass_only")
        body = {
            "touser": list(content.openids),
            "msgtype": "text",
            "text": {"content": content.text},
            "clientmsgid": content.client_id,
        }
        try:
            answer = self._client.post("message/mass/send", data=body)
        except PermanentSendError as error:
            if error.code == _CLIENT_ID_TAKEN:  # the answer to the first try got lost: it is on its way
                return Receipt(platform_id=error.platform_id)
            raise
        return Receipt(platform_id=str(answer.get("msg_id", "")))


def _filled(message: OutboundMessage) -> dict[str, Any]:
    content = message.content
    if not isinstance(content, TemplateContent):
        raise PermanentSendError(code="template_only")
    return {
        "touser": message.recipient,
        "template_id": content.template_id,
        "data": {name: {"value": value} for name, value in content.values},
    }
