"""The one place where objects are made and handed to each other. No rules here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, partial
from pathlib import Path

from bot.channel.channel import Channel
from bot.channel.messages import Source
from bot.clock import Chance, Clock
from bot.crypto import Cipher
from bot.db import Database
from bot.cases.service import Cases
from bot.escalation.alerts import Alerts, NoticePolicy
from bot.escalation.engine import EscalationTicker, NextWay
from bot.escalation.rota import Rota
from bot.health import Vital
from bot.leases import Lease
from bot.outbox.dispatcher import ORDINARY_LANE, SAFETY_LANE, Dispatcher, Reaper
from bot.outbox.outbox import Outbox
from bot.outbox.state import RetryPolicy
from bot.reminders.schedule import Schedule
from bot.reminders.series import load_series
from bot.reminders.service import ReminderRules, Reminders
from bot.retention import RetentionTicker
from bot.routing.inbox import Inbox, SpoolTicker
from bot.routing.pipeline import Pipeline
from bot.routing.services import Handler, Services
from bot.routing.spool import Spool
from bot.routing.stages import HeldStage, LimitStage, RouterStage, TakeoverStage
from bot.routing.turn import Stage
from bot.safety.assessment import assess
from bot.safety.lexicon import load_lexicon
from bot.safety.screen import DistressStage
from bot.settings import Settings
from bot.staff.store import Directory
from bot.students.ledger import WindowLedger
from bot.worker import Loop, Worker
from handlers.routers import ROUTERS
from knowledge.base import KnowledgeBase
from knowledge.loader import load
from knowledge.tokens import Segmenter

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
    def knowledge(self) -> KnowledgeBase:
        """The entries, indexed. Raises KnowledgeError that lists every fault."""
        library = load(self.root / self.settings.knowledge.folder)
        segmenter = Segmenter(library.dictionary, library.synonyms, cache_folder=self.folder / "jieba")
        return KnowledgeBase.build(library.entries, library.school, segmenter=segmenter)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.clock, self.chance, self.cipher)

    @cached_property
    def directory(self) -> Directory:
        return Directory(self.cipher)

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
        days: dict[str, date | None] = {key: day.day for key, day in self.knowledge.school.calendar.items()}
        zone = self.settings.school.zone
        return Reminders(
            self.database,
            clock=self.clock,
            chance=self.chance,
            outbox=self.outbox,
            series=load_series(_HERE / "reminders" / "data" / "series.yaml"),
            schedule=Schedule(days, zone),
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
            knowledge=self.knowledge,
            cases=self.cases,
            alerts=self.alerts,
            outbox=self.outbox,
            directory=self.directory,
            reminder_topics=self.reminders.topics,
        )

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The way of a message, in order. Replay comes before all of them, in the pipeline itself."""
        lexicon = load_lexicon(_HERE / "safety" / "data")
        return (
            DistressStage(  # always, before any filter
                lambda text, recent: assess(text, recent, lexicon),
                self.alerts,
                self.directory,
                self.cipher,
                self.settings.school.zone,
            ),
            TakeoverStage(self.cases),  # a person has the chat
            LimitStage(messages_per_minute=self.settings.limits.messages_per_minute),  # a flood
            HeldStage(self.outbox),  # what waited for the student to write
            RouterStage([partial(handler, services=self.services) for handler in self.handlers]),
        )

    @cached_property
    def spool(self) -> Spool:
        return Spool(self.folder / "spool", self.cipher)

    @cached_property
    def inbox(self) -> Inbox:
        pipeline = Pipeline(
            self.stages, clock=self.clock, chance=self.chance, cipher=self.cipher, outbox=self.outbox
        )
        return Inbox(
            self.database,
            pipeline,
            self.spool,
            self.outbox,
            answer_within_s=self.settings.limits.answer_within_s,
        )

    @cached_property
    def vital(self) -> Vital:
        return Vital(self.database, self.clock, self.spool)

    @cached_property
    def channels(self) -> dict[Source, Channel]:
        """The ways out that are configured."""
        raise NotImplementedError

    def dispatcher(self, lane: frozenset[object]) -> Dispatcher:
        """A dispatcher for one lane of the outbox."""
        times = self.settings.outbox
        return Dispatcher(
            self.database,
            clock=self.clock,
            chance=self.chance,
            cipher=self.cipher,
            channels=self.channels,
            policy=RetryPolicy(
                first=timedelta(seconds=times.first_retry_s),
                longest=timedelta(seconds=times.longest_retry_s),
                attempts=times.attempts,
            ),
            lane=lane,
            listeners=(
                NextWay(self.alerts, after_attempts=self.settings.escalation.fallback_after_attempts),
                WindowLedger(),
            ),
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
            Loop(Reaper(self.database, clock=self.clock), rest_s=5),
            Loop(SpoolTicker(self.spool, self.inbox), rest_s=2),
            Loop(self.reminders, rest_s=5, leader_only=True),
            Loop(
                RetentionTicker(
                    self.database, self.clock, words_for=timedelta(days=self.settings.security.retention_days)
                ),
                rest_s=600,
                leader_only=True,
            ),
        )

    def worker(self) -> Worker:
        """A worker of this application."""
        lease = Lease(
            self.database, self.clock, name="scheduler", holder=self.chance.new_id(), life=_LEADER_LIFE
        )
        return Worker(self.database, self.clock, lease, self.loops)
