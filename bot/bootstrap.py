"""The one place where objects are made and handed to each other. No rules here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property, wraps
from pathlib import Path

from flask import Blueprint
from pydantic import SecretStr

from bot.callback.sealing import Seal
from bot.callback.webhook import Callback, Mode, create_callback_blueprint
from bot.cases.next_way import CaseNextWay
from bot.cases.service import Cases
from bot.channel.channel import Channel, MemoryChannel
from bot.channel.messages import Source
from bot.clock import Chance, Clock
from bot.crypto import Cipher
from bot.db import Database
from bot.development import DEMONSTRATION_STAFF, ROBOT_KEY
from bot.escalation.alerts import Alerts, NoticePolicy
from bot.escalation.engine import EscalationTicker
from bot.escalation.morning import MorningList
from bot.escalation.next_way import NextWay
from bot.escalation.rota import Rota
from bot.gateway.http import Timeouts
from bot.gateway.tokens import DatabaseTokenStore, TokenStore
from bot.health import Vital
from bot.leases import Lease
from bot.outbox.dispatcher import ORDINARY_LANE, SAFETY_LANE, Dispatcher, SettledListener
from bot.outbox.outbox import Outbox
from bot.outbox.reaper import Reaper
from bot.outbox.state import Priority, RetryPolicy
from bot.privacy.service import ErasureTicker, Privacy
from bot.relay.robot import RobotChannel
from bot.reminders.schedule import Schedule
from bot.reminders.series import load_series
from bot.reminders.service import ReminderRules, Reminders
from bot.retention import RetentionTicker
from bot.routing.inbox import Inbox, SpoolTicker
from bot.routing.pipeline import Pipeline, ReplayedRequestError
from bot.routing.services import Handler, Services
from bot.routing.spool import Spool
from bot.routing.stages import HeldStage, LimitStage, RouterStage, TakeoverStage
from bot.routing.turn import Reply, Stage, Turn
from bot.safety.living import LivingLexicon
from bot.safety.screen import Assess, DistressStage
from bot.settings import Settings
from bot.simulator.platform import SimulatorSettings, WeChatAccount, WeComAccount
from bot.simulator.simulator import Simulator
from bot.staff.store import Directory
from bot.students.binding import Binding
from bot.students.ledger import WindowLedger
from bot.students.lockout import LockPolicy
from bot.students.profiles import Profiles
from bot.students.register import Register
from bot.wechat.client import GatewayClient as WeChatClient
from bot.wechat.client import WeChatChannel
from bot.wecom.client import GatewayClient as WeComClient
from bot.wecom.client import WeComChannel
from bot.worker import Loop, Worker
from handlers.menu import MENU
from handlers.routers import ROUTERS
from knowledge.living import LivingBase
from knowledge.published import find
from knowledge.tokens import private_cache_folder

_LEADER_LIFE = timedelta(seconds=15)
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Application:
    """Everything that runs, made on first use. `root` is the project's folder, `folder` where it keeps its files."""

    settings: Settings
    clock: Clock
    root: Path
    folder: Path
    simulated: bool = False
    handlers: Sequence[Handler] = ROUTERS
    seed: int | None = None

    @cached_property
    def chance(self) -> Chance:
        return Chance(self.clock, seed=self.seed)

    @cached_property
    def cipher(self) -> Cipher:
        return Cipher(self.settings.security.keys)

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.database.url_in(self.root))

    @cached_property
    def knowledge(self) -> LivingBase:
        """The entries, indexed; edits are followed. Raises KnowledgeError that lists every fault."""
        return LivingBase(self._knowledge_folder)

    @property
    def has_learnt(self) -> bool:
        """Whether the knowledge opens at once."""
        return find(self._knowledge_folder, private_cache_folder()) is not None

    @property
    def _knowledge_folder(self) -> Path:
        return self.root / self.settings.knowledge.folder

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.clock, self.chance, self.cipher)

    @cached_property
    def directory(self) -> Directory:
        return Directory(self.cipher)

    @cached_property
    def profiles(self) -> Profiles:
        return Profiles(self.cipher)

    @cached_property
    def register(self) -> Register:
        return Register(self.database, self.clock, self.profiles)

    @cached_property
    def binding(self) -> Binding:
        settings = self.settings
        return Binding(
            clock=self.clock,
            chance=self.chance,
            profiles=self.profiles,
            key=settings.security.secret_key.get_secret_value(),
            code_for=timedelta(days=settings.students.code_days),
            policy=LockPolicy(
                tries=settings.students.code_tries, lock_for=timedelta(minutes=settings.students.lock_minutes)
            ),
        )

    @cached_property
    def privacy(self) -> Privacy:
        return Privacy(self.clock, self.outbox, self.profiles, self.binding)

    @cached_property
    def rota(self) -> Rota:
        return Rota(self.directory)

    @cached_property
    def alerts(self) -> Alerts:
        times = self.settings.escalation
        return Alerts(
            clock=self.clock,
            chance=self.chance,
            cipher=self.cipher,
            outbox=self.outbox,
            rota=self.rota,
            policy=NoticePolicy(
                first=timedelta(seconds=times.ack_timeout_s),
                red=timedelta(seconds=times.repeat_s),
                orange=timedelta(seconds=times.orange_repeat_s),
            ),
            zone=self.settings.school.zone,
            has_robot=bool(self.settings.wecom.robot_webhooks),
            who_is=self.profiles.who_is,
        )

    @cached_property
    def cases(self) -> Cases:
        return Cases(
            clock=self.clock,
            chance=self.chance,
            cipher=self.cipher,
            outbox=self.outbox,
            directory=self.directory,
            zone=self.settings.school.zone,
            has_robot=bool(self.settings.wecom.robot_webhooks),
        )

    @cached_property
    def reminders(self) -> Reminders:
        zone = self.settings.school.zone
        return Reminders(
            self.database,
            clock=self.clock,
            chance=self.chance,
            outbox=self.outbox,
            series=load_series(_HERE / "reminders" / "data" / "series.yaml"),
            schedule=Schedule(_CalendarDays(self.knowledge), zone),
            rules=ReminderRules(
                quiet=self.settings.reminders.quiet,
                zone=zone,
                reserve=self.settings.reminders.reserve,
                enabled=self.settings.reminders.enabled,
            ),
        )

    @cached_property
    def services(self) -> Services:
        return Services(
            settings=self.settings,
            zone=self.settings.school.zone,
            knowledge=self.knowledge.current,
            cases=self.cases,
            alerts=self.alerts,
            outbox=self.outbox,
            directory=self.directory,
            profiles=self.profiles,
            binding=self.binding,
            privacy=self.privacy,
            reminder_topics=self.reminders.topics,
        )

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The way of a message, in order. Replay comes before all of them, in the pipeline itself."""
        return (
            DistressStage(  # always, before any filter
                self.assess,
                self.alerts,
                self.directory,
                self.cipher,
                self.settings.school.zone,
            ),
            TakeoverStage(self.cases),  # a person has the chat
            LimitStage(messages_per_minute=self.settings.limits.messages_per_minute),  # a flood
            HeldStage(self.outbox),  # what waited for the student to write
            RouterStage([_bound(handler, self.services) for handler in self.handlers]),
        )

    @cached_property
    def spool(self) -> Spool:
        return Spool(self.folder / "spool", self.cipher)

    @cached_property
    def inbox(self) -> Inbox:
        pipeline = Pipeline(self.stages, clock=self.clock, chance=self.chance, cipher=self.cipher, outbox=self.outbox)
        return Inbox(
            self.database,
            pipeline,
            self.spool,
            self.outbox,
            think=self.think,
            answer_within_s=self.settings.limits.answer_within_s,
        )

    def think(self, words: str) -> None:
        """What `words` mean is worked out and remembered for the stages: pure rules, the database is not touched."""
        if words:
            self.assess(words, ())
            self.knowledge.current().ask(words[: self.settings.limits.text_characters])

    @cached_property
    def assess(self) -> Assess:
        """The distress assessment; edits of the lexicon are followed."""
        return LivingLexicon(_HERE / "safety" / "data")

    @cached_property
    def vital(self) -> Vital:
        return Vital(self.database, self.clock, self.spool, refused=lambda: len(self.knowledge.faults))

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

    @cached_property
    def channels(self) -> dict[Source, Channel]:
        """The ways out that are configured."""
        channels: dict[Source, Channel] = {}
        wecom = self.settings.wecom
        if self.settings.wechat.app_id:
            channels[Source.WECHAT] = WeChatChannel(self.wechat)
        if wecom.corp_id:
            channels[Source.WECOM] = WeComChannel(self.wecom, agent_id=wecom.agent_id, clock=self.clock)
        if wecom.robot_webhooks:
            channels[Source.ROBOT] = RobotChannel(
                [webhook.get_secret_value() for webhook in wecom.robot_webhooks],
                clock=self.clock,
                timeouts=Timeouts(wecom.connect_timeout_s, wecom.read_timeout_s),
            )
        return channels

    def check_token(self, source: Source) -> None:
        """An access token can be had. Raises SendError."""
        (self.wechat if source is Source.WECHAT else self.wecom).gateway.check()

    @cached_property
    def simulator(self) -> Simulator | None:
        """The simulator, where it stands in for the platforms."""
        if not self.simulated:
            return None
        return Simulator(self.simulator_settings, self.clock, self.chance, mode=self.settings.server.mode)

    @property
    def simulator_settings(self) -> SimulatorSettings:
        """The accounts of the settings, as the simulator's platforms know them."""
        wechat, wecom, here = self.settings.wechat, self.settings.wecom, f"http://127.0.0.1:{self.settings.server.port}"
        return SimulatorSettings(
            wechat=WeChatAccount(
                app_id=wechat.app_id,
                app_secret=wechat.app_secret.get_secret_value(),
                token=wechat.token.get_secret_value(),
                callback_url=f"{here}/wechat",
                encoding_aes_key=wechat.encoding_aes_key.get_secret_value(),
                mode=wechat.mode,
            ),
            wecom=WeComAccount(
                corp_id=wecom.corp_id,
                agent_id=wecom.agent_id,
                secret=wecom.secret.get_secret_value(),
                token=wecom.token.get_secret_value(),
                encoding_aes_key=wecom.encoding_aes_key.get_secret_value(),
                callback_url=f"{here}/wecom",
                robot_keys=(ROBOT_KEY,),
            ),
            menu=MENU,
            account_name=f"{self.settings.school.short_name}离校小助手",
            zone=self.settings.school.zone,
        )

    def seed_demonstration(self) -> None:
        """A counselor to play with exists, if nobody was imported. Simulator only."""
        with self.database.write() as session:
            if self.directory.is_empty(session):
                self.directory.replace_all(session, DEMONSTRATION_STAFF)

    def webhooks(self) -> list[Blueprint]:
        """The callback addresses of the accounts that are configured."""
        blueprints = []
        wechat, wecom = self.settings.wechat, self.settings.wecom
        if wechat.token.get_secret_value():
            seal = _seal(wechat.token, wechat.app_id, wechat.encoding_aes_key, wechat.previous_aes_key, wechat.skew_s)
            blueprints.append(self._webhook(Source.WECHAT, "/wechat", seal, wechat.mode))
        if wecom.corp_id:
            seal = _seal(wecom.token, wecom.corp_id, wecom.encoding_aes_key, wecom.previous_aes_key, wechat.skew_s)
            blueprints.append(self._webhook(Source.WECOM, "/wecom", seal, "safe"))
        return blueprints

    def _webhook(self, source: Source, path: str, seal: Seal, mode: Mode) -> Blueprint:
        return create_callback_blueprint(
            Callback(
                source=source,
                path=path,
                seal=seal,
                mode=mode,
                clock=self.clock,
                answer=self.inbox.answer,
                refused=(ReplayedRequestError,),
            )
        )

    @cached_property
    def retry_policy(self) -> RetryPolicy:
        times = self.settings.outbox
        return RetryPolicy(
            first=timedelta(seconds=times.first_retry_s),
            longest=timedelta(seconds=times.longest_retry_s),
            attempts=times.attempts,
        )

    @cached_property
    def listeners(self) -> tuple[SettledListener, ...]:
        """What happens when an attempt to send is over."""
        after_attempts = self.settings.escalation.fallback_after_attempts
        return (
            NextWay(self.alerts, after_attempts=after_attempts),
            CaseNextWay(self.cases, after_attempts=after_attempts),
            WindowLedger(),
        )

    @cached_property
    def reaper(self) -> Reaper:
        return Reaper(self.database, clock=self.clock, policy=self.retry_policy, listeners=self.listeners)

    def dispatcher(self, lane: frozenset[Priority]) -> Dispatcher:
        """A dispatcher for one lane of the outbox."""
        times = self.settings.outbox
        return Dispatcher(
            self.database,
            clock=self.clock,
            chance=self.chance,
            cipher=self.cipher,
            channels=self.channels,
            policy=self.retry_policy,
            lane=lane,
            listeners=self.listeners,
            concurrency=times.concurrency,
            lease_for=timedelta(seconds=times.lease_s),
        )

    @cached_property
    def loops(self) -> tuple[Loop, ...]:
        """What a worker does, and how long each rests when there is nothing to do."""
        return (
            Loop(self.dispatcher(SAFETY_LANE), rest_s=0.2),
            Loop(self.dispatcher(ORDINARY_LANE), rest_s=0.3),
            Loop(EscalationTicker(self.database, self.clock, self.alerts), rest_s=1),
            Loop(
                MorningList(self.database, self.clock, self.alerts, self.settings.school.zone),
                rest_s=60,
                leader_only=True,
            ),
            Loop(self.reaper, rest_s=5),
            Loop(SpoolTicker(self.spool, self.inbox), rest_s=2),
            Loop(self.reminders, rest_s=5, leader_only=True),
            Loop(
                RetentionTicker(
                    self.database, self.clock, words_for=timedelta(days=self.settings.security.retention_days)
                ),
                rest_s=600,
                leader_only=True,
            ),
            Loop(ErasureTicker(self.database, self.clock, self.outbox), rest_s=60, leader_only=True),
        )

    def worker(self) -> Worker:
        """A worker of this application."""
        lease = Lease(self.database, self.clock, name="scheduler", holder=self.chance.new_id(), life=_LEADER_LIFE)
        return Worker(self.database, self.clock, lease, self.loops)

    def rehearsal(self, clock: Clock, *, seed: int) -> "Application":
        """The same application at another time: what it sends is settled, kept in memory and reaches nobody."""
        settings = self.settings.with_values(escalation={"heartbeat_url": ""})
        other = replace(self, settings=settings, clock=clock, seed=seed, simulated=False)
        channels = dict.fromkeys(Source, MemoryChannel())
        other.__dict__.update(database=self.database, knowledge=self.knowledge, channels=channels)
        return other


class _CalendarDays(Mapping[str, date | None]):
    """The school's key dates as the calendar has them at the moment."""

    def __init__(self, knowledge: LivingBase) -> None:
        self._knowledge = knowledge

    def __getitem__(self, key: str) -> date | None:
        return self._knowledge.current().school.calendar[key].day

    def __iter__(self) -> Iterator[str]:
        return iter(self._knowledge.current().school.calendar)

    def __len__(self) -> int:
        return len(self._knowledge.current().school.calendar)


def _bound(handler: Handler, services: Services) -> Callable[[Turn], Reply | None]:
    @wraps(handler)
    def bound(turn: Turn) -> Reply | None:
        return handler(turn, services)

    return bound


def _seal(token: SecretStr, receiver_id: str, key: SecretStr, previous: SecretStr, skew_s: float) -> Seal:
    return Seal(
        token=token.get_secret_value(),
        receiver_id=receiver_id,
        aes_keys=[key.get_secret_value(), previous.get_secret_value()],
        skew=timedelta(seconds=skew_s),
    )
