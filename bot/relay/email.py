"""E-mail to staff as a channel: one SMTP conversation a message, and what each reply code means for the next step.

Source: RFC 5321 and RFC 4954 (reply codes), as Chinese campus mail servers give them.
"""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from bot.channel.channel import Receipt
from bot.channel.errors import (
    FeatureOffError,
    OutcomeUnknownError,
    PermanentSendError,
    RecipientGoneError,
    SendError,
    TemporarySendError,
)
from bot.channel.messages import CardContent, OutboundMessage, Source, TextContent
from bot.clock import Clock
from bot.gateway.codes import Code, error_of

FindAddress = Callable[[Source, str], str]
"""The address of a member of staff for e-mail or SMS; empty if it is not known."""

_SUBJECT_CHARACTERS = 60
CODES: dict[int, Code] = {
    421: Code(TemporarySendError, "邮件服务器现在不接，稍后会自动再试"),
    450: Code(TemporarySendError, "对方邮箱现在不可用（常是灰名单），稍后会自动再试"),
    451: Code(TemporarySendError, "邮件服务器出错，稍后会自动再试"),
    452: Code(TemporarySendError, "邮件服务器空间不够，稍后会自动再试"),
    454: Code(TemporarySendError, "邮件服务器的登录暂时不可用，稍后会自动再试"),
    455: Code(TemporarySendError, "邮件服务器现在不能处理，稍后会自动再试"),
    500: Code(PermanentSendError, "邮件服务器不认识命令，这是程序的错误，请报告"),
    501: Code(PermanentSendError, "邮件地址的格式不对；核对 email.sender 和名单里的邮箱"),
    502: Code(PermanentSendError, "邮件服务器不支持命令"),
    503: Code(PermanentSendError, "邮件服务器说命令次序不对，这是程序的错误，请报告"),
    504: Code(PermanentSendError, "邮件服务器不支持命令的参数"),
    521: Code(FeatureOffError, "邮件服务器不收邮件；核对 email.host"),
    523: Code(PermanentSendError, "邮件太长"),
    530: Code(FeatureOffError, "邮件服务器要求登录或加密；核对 email.username、email.security"),
    534: Code(FeatureOffError, "邮件服务器不接受这种登录方式；可能要用授权码"),
    535: Code(FeatureOffError, "邮件服务器的用户名或密码（授权码）不对；核对 email.username、email.password"),
    538: Code(FeatureOffError, "邮件服务器要求加密后才能登录；核对 email.security"),
    541: Code(PermanentSendError, "邮件被对方当作垃圾邮件退回"),
    550: Code(RecipientGoneError, "对方邮箱不存在或拒收；核对名单里的邮箱"),
    551: Code(RecipientGoneError, "对方邮箱不在这个服务器；核对名单里的邮箱"),
    552: Code(PermanentSendError, "对方邮箱满了"),
    553: Code(RecipientGoneError, "邮箱地址不被接受；核对名单里的邮箱和 email.sender"),
    554: Code(PermanentSendError, "邮件被拒（可能被当作垃圾邮件）；请信息中心加白名单"),
    555: Code(PermanentSendError, "邮件服务器不认识地址的参数"),
    556: Code(RecipientGoneError, "对方的域不收邮件；核对名单里的邮箱"),
}
_TEMPORARY = Code(TemporarySendError, "邮件服务器暂时不收，稍后会自动再试")
_PERMANENT = Code(PermanentSendError, "邮件服务器拒绝")
_FAILURES = range(400, 600)
_REFUSED = 500
_SHORT_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLError, "tls"),
    (TimeoutError, "timeout"),
    (smtplib.SMTPServerDisconnected, "connection_broke"),
    (OSError, "unreachable"),
)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. `security` is tls, starttls or none."""

    host: str
    port: int
    security: str
    sender: str
    username: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 10


class EmailChannel:
    """Plain-text mail to one member of staff; the recipient is a staff number, or an address of an operator."""

    def __init__(self, server: MailServer, *, clock: Clock, find_address: FindAddress) -> None:
        self._server = server
        self._clock = clock
        self._find_address = find_address

    def send(self, message: OutboundMessage, /) -> Receipt:
        """The mail server has taken responsibility for the mail. Raises SendError, without an address or a password.

        Once the mail itself has left and no answer comes, the outcome is unknown; before that nothing was taken.
        """
        address = message.recipient if "@" in message.recipient else ""
        address = address or self._find_address(Source.EMAIL, message.recipient)
        if not address:
            raise RecipientGoneError("名单里没有邮箱", code="no_email")
        if not isinstance(message.content, TextContent | CardContent):
            raise PermanentSendError(code="text_only")
        title = message.content.title if isinstance(message.content, CardContent) else ""
        error = self._hand_in(address, title, message.content.text)
        if (
            error is not None
        ):  # raised here: inside the handler a library's error would stay behind it, with the address
            raise error
        return Receipt()

    def _written(self, address: str, title: str, text: str) -> EmailMessage:
        mail = EmailMessage()
        subject = " ".join((title or text.strip().partition("\n")[0]).split())
        mail["Subject"] = subject[:_SUBJECT_CHARACTERS]
        mail["From"], mail["To"] = self._server.sender, address
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = make_msgid(domain=self._server.sender.rpartition("@")[2] or "localhost")
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Priority"] = "1"
        mail.set_content(f"{title}\n{text}" if title else text)
        return mail

    def _hand_in(self, address: str, title: str, text: str) -> SendError | None:
        left = False
        try:
            mail = self._written(address, title, text)
            server = self._connected()
            try:
                _check(*server.mail(self._server.sender))
                _check(*server.rcpt(address))
                left = True
                _check(*server.data(mail.as_bytes()))
            finally:
                server.close()
        except SendError as error:
            return error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return _meaning(error, left=left)
        return None

    def _connected(self) -> smtplib.SMTP:
        own = self._server
        if own.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                own.host, own.port, timeout=own.timeout_s, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(own.host, own.port, timeout=own.timeout_s)
        try:
            if own.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            server.ehlo_or_helo_if_needed()
            if own.username:
                server.login(own.username, own.password)
        except BaseException:
            server.close()
            raise
        return server


def error_for_reply(code: int) -> SendError:
    """What an SMTP reply code of 400 to 599 means for the next step."""
    row = CODES.get(code) or (_PERMANENT if code >= _REFUSED else _TEMPORARY)
    return error_of(row, "email", str(code))


def _check(code: int, _said: bytes) -> None:
    if code in _FAILURES:
        raise error_for_reply(code)


def _meaning(error: Exception, *, left: bool) -> SendError:
    code = getattr(error, "smtp_code", None)
    if isinstance(code, int) and code in _FAILURES:
        return error_for_reply(code)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return FeatureOffError("邮件服务器不支持设置的加密或登录；核对 email.security", code="not_supported")
    if isinstance(error, UnicodeError):
        return PermanentSendError("邮箱地址含有不能用的字符；核对名单里的邮箱", code="bad_address")
    word = next((word for kind, word in _SHORT_WORDS if isinstance(error, kind)), type(error).__name__)
    kind = OutcomeUnknownError if left else TemporarySendError
    return kind("邮件服务器连不上或没有答完；核对 email.host、email.port", code=word)
