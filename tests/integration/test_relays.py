"""E-mail, SMS and the robots of DingTalk and Feishu over real sockets: each code, and no secret or number in an error."""

import base64
import hashlib
import hmac
from collections.abc import Iterator

import pytest
from support.relays import Gateway, Mailbox, http_gateway, mail_server

from bot.channel.errors import (
    FeatureOffError,
    OutcomeUnknownError,
    PermanentSendError,
    RateLimitedError,
    RecipientGoneError,
    SendError,
    TemporarySendError,
)
from bot.channel.messages import Button, CardContent, Content, OutboundMessage, Source, TextContent
from bot.clock import FakeClock
from bot.gateway.http import Timeouts
from bot.relay.brands import DINGTALK_CODES, FEISHU_CODES, Brand, Robot, error_in, robot_from
from bot.relay.email import CODES, EmailChannel, MailServer, error_for_reply
from bot.relay.robot import RobotChannel
from bot.relay.sms import MEANINGS, STATUSES, SmsChannel, SmsGateway

ADDRESS, PHONE, KEY, PASSWORD = "wang@example.edu", "13800001234", "gateway-key-0815", "mail-password-4711"
SECRETS = (ADDRESS, PHONE, KEY, PASSWORD)
FAST = Timeouts(1, 1)
CARD = CardContent("t1", "红色 A12 · 学生本人", "21:47 写道：“今晚天台见。”", (Button("ack:12", "我来处理"),))


def find_address(way: Source, staff_no: str) -> str:
    return {(Source.EMAIL, "T1"): ADDRESS, (Source.SMS, "T1"): PHONE}.get((way, staff_no), "")


def failing(send: object, *arguments: object) -> SendError:
    with pytest.raises(SendError) as raised:
        send(*arguments)  # type: ignore[operator]
    error: BaseException | None = raised.value
    while error is not None:
        shown = f"{error} {error!r} {error.args} {vars(error)}"
        assert not [secret for secret in SECRETS if secret in shown], shown
        error = error.__context__
    return raised.value


class TestEmail:
    @pytest.fixture
    def mailbox(self) -> Iterator[Mailbox]:
        with mail_server() as made:
            yield made

    @staticmethod
    def channel(port: int, clock: FakeClock, **changes: str) -> EmailChannel:
        server = MailServer(
            "127.0.0.1", port, changes.get("security", "none"), "lixiao@example.edu", changes.get("username", ""),
            changes.get("password", ""), timeout_s=2,
        )  # fmt: skip
        return EmailChannel(server, clock=clock, find_address=find_address)

    def send(self, channel: EmailChannel, content: Content = CARD, to: str = "T1") -> None:
        channel.send(OutboundMessage(Source.EMAIL, to, content))

    def test_a_card_arrives_as_a_mail_that_can_be_read(self, mailbox: Mailbox, clock: FakeClock):
        self.send(self.channel(mailbox.port, clock))
        (mail,) = mailbox.mails
        assert mailbox.recipients == [ADDRESS]
        assert mail["Subject"] == "红色 A12 · 学生本人"
        assert mail["From"] == "lixiao@example.edu"
        assert "今晚天台见" in mail.get_content()

    def test_words_have_their_first_line_as_subject(self, mailbox: Mailbox, clock: FakeClock):
        self.send(self.channel(mailbox.port, clock), TextContent("第一行\r\nBcc: x@example.com\n第三行"))
        (mail,) = mailbox.mails
        assert mail["Subject"] == "第一行"
        assert mail["Bcc"] is None
        assert "第三行" in mail.get_content()

    def test_an_operators_address_needs_no_number(self, mailbox: Mailbox, clock: FakeClock):
        self.send(self.channel(mailbox.port, clock), to="it@example.edu")
        assert mailbox.recipients == ["it@example.edu"]

    def test_with_a_login(self, clock: FakeClock):
        with mail_server(login=("lixiao", PASSWORD)) as mailbox:
            self.send(self.channel(mailbox.port, clock, username="lixiao", password=PASSWORD))
            assert len(mailbox.mails) == 1
            wrong = failing(self.send, self.channel(mailbox.port, clock, username="lixiao", password=PASSWORD + "x"))
            assert isinstance(wrong, FeatureOffError)
            assert wrong.code == "535"

    def test_nobody_known_is_somebody_gone(self, mailbox: Mailbox, clock: FakeClock):
        error = failing(self.send, self.channel(mailbox.port, clock), CARD, "T2")
        assert isinstance(error, RecipientGoneError)
        assert error.code == "no_email"

    @pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
    @pytest.mark.parametrize("code", [421, 450, 550, 554])
    def test_a_refusal_at_any_command(self, mailbox: Mailbox, clock: FakeClock, command: str, code: int):
        mailbox.answers[command] = f"{code} no <{ADDRESS}>"
        error = failing(self.send, self.channel(mailbox.port, clock))
        assert type(error) is CODES[code].error
        assert error.code == str(code)

    def test_a_server_that_hangs_up_with_the_mail_in_its_hands_leaves_it_in_doubt(
        self, mailbox: Mailbox, clock: FakeClock
    ):
        mailbox.hangs_up = True
        assert isinstance(failing(self.send, self.channel(mailbox.port, clock)), OutcomeUnknownError)

    def test_nobody_listens(self, clock: FakeClock):
        with mail_server() as gone:
            port = gone.port
        error = failing(self.send, self.channel(port, clock))
        assert type(error) is TemporarySendError
        assert error.code == "unreachable"

    @pytest.mark.parametrize(("security", "kind"), [("tls", TemporarySendError), ("starttls", FeatureOffError)])
    def test_a_server_without_encryption_gets_nothing(
        self, mailbox: Mailbox, clock: FakeClock, security: str, kind: type[SendError]
    ):
        error = failing(self.send, self.channel(mailbox.port, clock, security=security, password=PASSWORD))
        assert type(error) is kind
        assert mailbox.mails == []


REPLIES = {
    TemporarySendError: (421, 450, 451, 452, 454, 455),
    PermanentSendError: (500, 501, 502, 503, 504, 523, 541, 552, 554, 555),
    FeatureOffError: (521, 530, 534, 535, 538),
    RecipientGoneError: (550, 551, 553, 556),
}


@pytest.mark.parametrize(("code", "kind"), [(code, kind) for kind, codes in REPLIES.items() for code in codes])
def test_each_reply_code_of_mail(code: int, kind: type[SendError]):
    error = error_for_reply(code)
    assert type(error) is kind
    assert error.code == str(code)
    assert f"email {code}" in str(error)


def test_no_reply_code_is_without_a_test():
    assert {code for codes in REPLIES.values() for code in codes} == set(CODES)


@pytest.mark.parametrize(("code", "kind"), [(499, TemporarySendError), (599, PermanentSendError)])
def test_an_unknown_reply_goes_by_its_first_digit(code: int, kind: type[SendError]):
    assert type(error_for_reply(code)) is kind


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with http_gateway() as made:
        yield made


class TestSms:
    BODY = '{"mobile":"{phone}","content":"【首体】{text}","apikey":"{key}"}'

    def channel(self, gateway: Gateway, **changes: object) -> SmsChannel:
        own = {"url": f"{gateway.url}/send", "body": self.BODY, "key": KEY} | changes
        return SmsChannel(SmsGateway(**own), timeouts=FAST, find_address=find_address)  # type: ignore[arg-type]

    def send(self, channel: SmsChannel, text: str = "警报 A12", to: str = "T1") -> None:
        channel.send(OutboundMessage(Source.SMS, to, TextContent(text)))

    def test_json(self, gateway: Gateway):
        self.send(self.channel(gateway, headers=["Authorization: Bearer x"]), '引号 " 和\n换行 {key}')
        (call,) = gateway.calls
        assert call.json == {"mobile": PHONE, "content": '【首体】引号 " 和 换行 {key}', "apikey": KEY}
        assert (call.headers["authorization"], call.headers["content-type"]) == ("Bearer x", "application/json")

    def test_a_form(self, gateway: Gateway):
        form = "application/x-www-form-urlencoded"
        self.send(self.channel(gateway, content_type=form, body="m={phone}&c={text}&k={key}"), "a&b=中 %")
        assert gateway.calls[0].body.decode() == f"m={PHONE}&c=a%26b%3D%E4%B8%AD%20%25&k={KEY}"

    def test_an_address(self, gateway: Gateway):
        url = f"{gateway.url}/send?m={{phone}}&c={{text}}"
        self.send(self.channel(gateway, method="GET", url=url), "a&b=中")
        assert gateway.calls[0].query == {"m": [PHONE], "c": ["a&b=中"]}
        assert gateway.calls[0].body == b""

    def test_a_code_in_a_field_in_a_field(self, gateway: Gateway):
        gateway.says(200, {"result": {"ok": True}})
        self.send(self.channel(gateway, code_field="result.ok", success=["true"]))

    def test_without_a_field_the_status_is_enough(self, gateway: Gateway):
        gateway.says(200, "OK")
        self.send(self.channel(gateway, code_field=""))

    @pytest.mark.parametrize("word", list(MEANINGS))
    def test_each_word_of_the_settings(self, gateway: Gateway, word: str):
        gateway.says(200, {"code": 7})
        error = failing(self.send, self.channel(gateway, codes={"7": word}))
        expected = {
            "busy": TemporarySendError,
            "slow": RateLimitedError,
            "gone": RecipientGoneError,
            "off": FeatureOffError,
            "refused": PermanentSendError,
        }
        assert type(error) is expected[word]
        assert error.code == "7"

    STATUS_ROWS = (
        (400, PermanentSendError), (401, FeatureOffError), (402, FeatureOffError), (403, FeatureOffError),
        (404, FeatureOffError), (405, FeatureOffError), (408, TemporarySendError), (409, TemporarySendError),
        (413, PermanentSendError), (415, FeatureOffError), (422, PermanentSendError), (425, TemporarySendError),
        (429, RateLimitedError), (418, TemporarySendError), (302, TemporarySendError), (500, OutcomeUnknownError),
        (503, OutcomeUnknownError),
    )  # fmt: skip

    @pytest.mark.parametrize(("status", "kind"), STATUS_ROWS)
    def test_each_status(self, gateway: Gateway, status: int, kind: type[SendError]):
        gateway.says(status, "<html>")
        error = failing(self.send, self.channel(gateway))
        assert type(error) is kind
        assert error.code == f"http_{status}"

    def test_no_status_is_without_a_test(self):
        assert set(STATUSES) <= {status for status, _ in self.STATUS_ROWS}

    @pytest.mark.parametrize(("body", "code"), [("<html>", "no_code"), ({}, "no_code"), ({"code": 99}, "99")])
    def test_an_answer_that_nobody_knows_is_tried_again(self, gateway: Gateway, body: object, code: str):
        gateway.says(200, body)
        error = failing(self.send, self.channel(gateway))
        assert type(error) is TemporarySendError
        assert error.code == code

    def test_nobody_known_is_somebody_gone(self, gateway: Gateway):
        assert failing(self.send, self.channel(gateway), "x", "T2").code == "no_phone"
        assert gateway.calls == []

    def test_a_gateway_that_is_away(self):
        channel = SmsChannel(
            SmsGateway(f"http://127.0.0.1:1/?k={KEY}&m={{phone}}", method="GET"),
            timeouts=FAST,
            find_address=find_address,
        )
        assert failing(self.send, channel).code == "unreachable"


class TestOtherRobots:
    def send(self, gateway: Gateway, clock: FakeClock, robot: Robot) -> None:
        RobotChannel([robot], clock=clock, timeouts=FAST).send(
            OutboundMessage(Source.ROBOT, "", TextContent("红色 A1"))
        )

    def test_dingtalk_signed(self, gateway: Gateway, clock: FakeClock):
        self.send(gateway, clock, robot_from(Brand.DINGTALK, f"{gateway.url}/robot/send?access_token={KEY}|SECx"))
        (call,) = gateway.calls
        stamp = call.query["timestamp"][0]
        sign = base64.b64encode(hmac.new(b"SECx", f"{stamp}\nSECx".encode(), hashlib.sha256).digest()).decode()
        assert call.query["sign"] == [sign]
        assert stamp == str(int(clock.now().timestamp() * 1000))
        assert call.json == {"msgtype": "text", "text": {"content": "红色 A1"}}

    def test_feishu_signed(self, gateway: Gateway, clock: FakeClock):
        self.send(gateway, clock, robot_from(Brand.FEISHU, f"{gateway.url}/hook/{KEY}|SECx"))
        (call,) = gateway.calls
        stamp = str(int(clock.now().timestamp()))
        sign = base64.b64encode(hmac.new(f"{stamp}\nSECx".encode(), b"", hashlib.sha256).digest()).decode()
        assert call.json == {
            "timestamp": stamp, "sign": sign, "msg_type": "text", "content": {"text": "红色 A1"},
        }  # fmt: skip

    @pytest.mark.parametrize("brand", [Brand.DINGTALK, Brand.FEISHU])
    def test_without_a_secret_nothing_is_signed(self, gateway: Gateway, clock: FakeClock, brand: Brand):
        self.send(gateway, clock, robot_from(brand, f"{gateway.url}/hook"))
        assert "sign" not in gateway.calls[0].query
        assert "sign" not in gateway.calls[0].json

    @pytest.mark.parametrize(
        ("brand", "answer", "kind"),
        [
            (Brand.DINGTALK, {"errcode": 310000}, FeatureOffError),
            (Brand.FEISHU, {"code": 19021}, FeatureOffError),
            (Brand.FEISHU, {"StatusCode": 11232}, RateLimitedError),
        ],
    )
    def test_a_refusal_in_the_answer(
        self, gateway: Gateway, clock: FakeClock, brand: Brand, answer: object, kind: type[SendError]
    ):
        gateway.says(200, answer)
        assert type(failing(self.send, gateway, clock, robot_from(brand, f"{gateway.url}/{KEY}"))) is kind

    def test_one_group_of_two_platforms_is_enough(self, gateway: Gateway, clock: FakeClock):
        robots = [robot_from(Brand.FEISHU, "http://127.0.0.1:1/x"), robot_from(Brand.DINGTALK, gateway.url)]
        channel = RobotChannel(robots, clock=clock, timeouts=FAST)
        channel.send(OutboundMessage(Source.ROBOT, "", TextContent("红色 A1")))
        assert len(gateway.calls) == 1


ROBOT_ROWS = (
    (Brand.DINGTALK, -1, TemporarySendError), (Brand.DINGTALK, 40035, PermanentSendError),
    (Brand.DINGTALK, 43004, PermanentSendError), (Brand.DINGTALK, 130101, RateLimitedError),
    (Brand.DINGTALK, 300001, FeatureOffError), (Brand.DINGTALK, 300005, FeatureOffError),
    (Brand.DINGTALK, 310000, FeatureOffError), (Brand.DINGTALK, 400013, FeatureOffError),
    (Brand.DINGTALK, 400101, FeatureOffError), (Brand.DINGTALK, 400102, FeatureOffError),
    (Brand.DINGTALK, 400105, PermanentSendError), (Brand.DINGTALK, 400106, FeatureOffError),
    (Brand.DINGTALK, 410100, RateLimitedError), (Brand.DINGTALK, 430101, PermanentSendError),
    (Brand.DINGTALK, 430102, PermanentSendError), (Brand.DINGTALK, 430104, PermanentSendError),
    (Brand.DINGTALK, 90030, RateLimitedError), (Brand.DINGTALK, 450101, RateLimitedError),
    (Brand.FEISHU, 9499, PermanentSendError), (Brand.FEISHU, 11232, RateLimitedError),
    (Brand.FEISHU, 19001, FeatureOffError), (Brand.FEISHU, 19002, PermanentSendError),
    (Brand.FEISHU, 19021, FeatureOffError), (Brand.FEISHU, 19022, FeatureOffError),
    (Brand.FEISHU, 19024, FeatureOffError), (Brand.FEISHU, 99991400, RateLimitedError),
)  # fmt: skip


@pytest.mark.parametrize(("brand", "code", "kind"), ROBOT_ROWS)
def test_each_code_of_the_other_robots(brand: Brand, code: int, kind: type[SendError]):
    error = error_in(brand, {"errcode": code, "code": code})
    assert type(error) is kind
    assert error.code == str(code)
    assert f"{brand.value} {code}" in str(error)


def test_no_code_of_a_robot_is_without_a_test():
    tables = {Brand.DINGTALK: DINGTALK_CODES, Brand.FEISHU: FEISHU_CODES}
    assert {(brand, code) for brand, table in tables.items() for code in table} == {row[:2] for row in ROBOT_ROWS}


@pytest.mark.parametrize("brand", list(Brand))
@pytest.mark.parametrize("word", [123456789, "x", None])
def test_what_a_robot_says_that_nobody_knows_is_tried_again(brand: Brand, word: object):
    assert type(error_in(brand, {"errcode": word, "code": word})) is TemporarySendError


@pytest.mark.parametrize("brand", list(Brand))
def test_a_robot_shows_neither_address_nor_secret(brand: Brand):
    assert KEY not in repr(robot_from(brand, f"https://example.com/{KEY}|{KEY}"))
