"""The whole application, and what a worker of it does. No rules here."""

from dataclasses import replace
from datetime import timedelta
from functools import cached_property

from bot.bootstrap.front import Front
from bot.broadcast.rests import RestKeeper
from bot.channel.channel import MemoryChannel
from bot.channel.messages import Source
from bot.clock import Clock
from bot.escalation.case_next_way import CaseNextWay
from bot.escalation.engine import EscalationTicker
from bot.escalation.fall_through import FallThrough
from bot.escalation.morning import MorningList
from bot.escalation.next_way import NextWay
from bot.leases import Lease
from bot.outbox.dispatcher import ORDINARY_LANE, SAFETY_LANE, Dispatcher, SettledListener
from bot.outbox.reaper import Reaper
from bot.outbox.state import Priority, RetryPolicy
from bot.privacy.service import ErasureTicker
from bot.retention import AlertRetentionTicker, RetentionTicker
from bot.routing.inbox import SpoolTicker
from bot.students.ledger import WindowLedger
from bot.worker import Loop, Worker

_LEADER_LIFE = timedelta(seconds=15)


class Application(Front):
    """The whole application, and what a worker of it does."""

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
            NextWay(self.alerts, after_attempts=after_attempts, reaching=self.reaching),
            FallThrough(self.alerts, self.directory, after_attempts=after_attempts),
            CaseNextWay(self.cases, self.reaching, after_attempts=after_attempts),
            WindowLedger(),
            RestKeeper(self.clock, self.operators),
            self.campaign_ledger,
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
                MorningList(self.database, self.clock, self.alerts, self.settings.school.zone, self.workdays),
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
            Loop(self.follow_ups, rest_s=60, leader_only=True),
            *self.duty_loops,
            Loop(self.auditor, rest_s=30),
            Loop(self.drills, rest_s=10, leader_only=True),
            Loop(self.step_reminders, rest_s=30, leader_only=True),
            Loop(self.campaign_runner, rest_s=1, leader_only=True),
            Loop(
                AlertRetentionTicker(
                    self.database,
                    self.clock,
                    kept_for=timedelta(days=self.settings.security.alert_retention_days),
                    words_for=timedelta(days=self.settings.security.retention_days),
                ),
                rest_s=600,
                leader_only=True,
            ),
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
