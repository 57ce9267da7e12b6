"""The platforms and every way out: WeChat, WeCom, robots, mail, SMS. No rules here."""

from functools import cached_property

from bot.bootstrap.foundation import Foundation
from bot.channel.channel import Channel
from bot.channel.messages import Source
from bot.gateway.http import Timeouts
from bot.gateway.tokens import DatabaseTokenStore, TokenStore
from bot.relay.brands import Brand, Robot, robot_from
from bot.relay.email import EmailChannel, MailServer
from bot.relay.robot import RobotChannel
from bot.relay.sms import SmsChannel, SmsGateway
from bot.wechat.client import GatewayClient as WeChatClient
from bot.wechat.client import WeChatChannel
from bot.wechat.notices import MassChannel, SubscriptionChannel, TemplateChannel
from bot.wecom.client import GatewayClient as WeComClient
from bot.wecom.client import WeComChannel


class WaysOut(Foundation):
    """The platforms and every way out: WeChat, WeCom, robots, mail, SMS."""

    @cached_property
    def tokens(self) -> TokenStore:
        if self.settings.redis.url:
            from bot.gateway.redis_tokens import RedisTokenStore  # noqa: PLC0415 - most schools have no Redis

            return RedisTokenStore(self.settings.redis.url, self.chance, self.cipher)
        return DatabaseTokenStore(self.database, self.clock, self.chance, self.cipher)

    @cached_property
    def wechat(self) -> WeChatClient:
        """The official account's API."""
        account = self.settings.wechat
        return WeChatClient(
            app_id=account.app_id,
            app_secret=account.app_secret.get_secret_value(),
            api_base_url=account.api_base_url,
            tokens=self.tokens,
            timeouts=Timeouts(account.connect_timeout_s, account.read_timeout_s),
        )

    @cached_property
    def wecom(self) -> WeComClient:
        """The staff application's API."""
        account = self.settings.wecom
        return WeComClient(
            corp_id=account.corp_id,
            secret=account.secret.get_secret_value(),
            api_base_url=account.api_base_url,
            tokens=self.tokens,
            timeouts=Timeouts(account.connect_timeout_s, account.read_timeout_s),
        )

    def check_token(self, source: Source) -> None:
        """An access token can be had. Raises SendError."""
        (self.wechat if source is Source.WECHAT else self.wecom).gateway.check()

    @cached_property
    def channels(self) -> dict[Source, Channel]:
        """The ways out that are configured."""
        channels: dict[Source, Channel] = {}
        wecom = self.settings.wecom
        if self.settings.wechat.app_id:
            channels[Source.WECHAT] = WeChatChannel(self.wechat)
            channels[Source.TEMPLATE] = TemplateChannel(self.wechat)
            channels[Source.SUBSCRIPTION] = SubscriptionChannel(self.wechat)
            channels[Source.MASS] = MassChannel(self.wechat)
        if wecom.corp_id:
            channels[Source.WECOM] = WeComChannel(self.wecom, agent_id=wecom.agent_id, clock=self.clock)
        if self.settings.has_robot:
            channels[Source.ROBOT] = RobotChannel(
                self._robots,
                clock=self.clock,
                timeouts=Timeouts(wecom.connect_timeout_s, wecom.read_timeout_s),
            )
        if self.settings.email.host:
            channels[Source.EMAIL] = self._email
        if self.settings.sms.url.get_secret_value():
            channels[Source.SMS] = self._sms
        return channels

    @property
    def _robots(self) -> list[Robot]:
        addresses = (
            (Brand.WECOM, self.settings.wecom.robot_webhooks),
            (Brand.DINGTALK, self.settings.relay.dingtalk_webhooks),
            (Brand.FEISHU, self.settings.relay.feishu_webhooks),
        )
        return [robot_from(brand, one.get_secret_value()) for brand, settings in addresses for one in settings]

    @property
    def _email(self) -> EmailChannel:
        own = self.settings.email
        server = MailServer(
            host=own.host,
            port=own.port,
            security=own.security,
            sender=own.sender,
            username=own.username,
            password=own.password.get_secret_value(),
            timeout_s=own.timeout_s,
        )
        return EmailChannel(server, clock=self.clock, find_address=self.find_address)

    @property
    def _sms(self) -> SmsChannel:
        own = self.settings.sms
        gateway = SmsGateway(
            url=own.url.get_secret_value(),
            method=own.method,
            content_type=own.content_type,
            body=own.body,
            headers=[header.get_secret_value() for header in own.headers],
            key=own.key.get_secret_value(),
            code_field=own.code_field,
            success=own.success,
            codes=own.codes,
        )
        timeouts = Timeouts(own.connect_timeout_s, own.read_timeout_s)
        return SmsChannel(gateway, timeouts=timeouts, find_address=self.find_address)

    def find_address(self, way: Source, staff_no: str) -> str:
        """The mail address or phone number of an active member of staff; empty if it is not known."""
        with self.database.read() as session:
            person = self.directory.find(session, staff_no)
        addresses = {Source.EMAIL: person.email, Source.SMS: person.phone} if person else {}
        return addresses.get(way, "")
