"""What goes to students by itself: reminders and broadcasts. No rules here."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from bot.bootstrap.watch import Watch
from bot.broadcast.ledger import Ledger
from bot.broadcast.models import BroadcastRules
from bot.broadcast.operators import Operators
from bot.broadcast.posting import Posting
from bot.broadcast.reckoning import Reckoning
from bot.broadcast.roster import Roster, Subscriptions
from bot.broadcast.runner import CampaignRunner
from bot.broadcast.safety import SafetyNotices
from bot.broadcast.service import Campaigns
from bot.broadcast.templates import Template
from bot.reminders.deciding import Caps
from bot.reminders.giving import Giving, ReminderRules
from bot.reminders.loading import load_season
from bot.reminders.personal import StepReminders
from bot.reminders.schedule import Schedule
from bot.reminders.series import Season
from bot.reminders.service import Reminders
from bot.students.register import Register
from bot.students.subscriptions import SubscriptionLedger
from knowledge.living import LivingBase

_HERE = Path(__file__).resolve().parent.parent
_CALLS_A_SECOND = 5


class Outreach(Watch):
    """What goes to students by itself: reminders and broadcasts."""

    @cached_property
    def season(self) -> Season:
        """The series of the graduation season. Raises SeriesError that lists every fault."""
        return load_season(_HERE / "reminders" / "data" / "series.yaml")

    @cached_property
    def reminder_rules(self) -> ReminderRules:
        wanted = self.settings.reminders
        return ReminderRules(
            quiet=wanted.quiet,
            zone=self.settings.school.zone,
            reserve=wanted.reserve,
            caps=Caps(wanted.most_per_day, wanted.most_per_week),
            enabled=wanted.enabled,
        )

    @cached_property
    def giving(self) -> Giving:
        return Giving(self.outbox, self.reminder_rules)

    @cached_property
    def key_days(self) -> Mapping[str, date | None]:
        """The school's key dates, from which reminders count."""
        return _CalendarDays(self.knowledge)

    @cached_property
    def reminders(self) -> Reminders:
        days, zone = self.key_days, self.settings.school.zone
        return Reminders(
            self.database,
            clock=self.clock,
            chance=self.chance,
            giving=self.giving,
            season=self.season,
            schedule=Schedule(days, zone, pauses=self.season.pauses, is_working_day=self.workdays.is_working_day),
            rules=self.reminder_rules,
        )

    @cached_property
    def step_reminders(self) -> StepReminders:
        return StepReminders(
            self.database,
            clock=self.clock,
            chance=self.chance,
            giving=self.giving,
            season=self.season,
            rules=self.reminder_rules,
        )

    @cached_property
    def register(self) -> Register:
        return Register(self.database, self.clock, self.profiles, on_change=self.step_reminders.profile_changed)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        return SubscriptionLedger(self.clock)

    @cached_property
    def operators(self) -> Operators:
        return Operators(self.outbox, self.directory, has_robot=self.settings.has_robot)

    @cached_property
    def broadcast_rules(self) -> BroadcastRules:
        given = self.settings.broadcast
        return BroadcastRules(
            account_type=self.settings.wechat.account_type,
            reserve=self.settings.reminders.reserve,
            approve_above=given.approve_above,
            daily_cap=given.daily_cap,
            misfire=timedelta(minutes=given.misfire_minutes),
            hold_for=timedelta(days=given.hold_days),
            use_mass=given.use_mass,
            student_userids=given.student_userids,
            templates={
                key: Template(key, one.id, one.kind == "subscribe", one.fields, one.characters)
                for key, one in given.templates.items()
            },
            calls_a_second=self.settings.outbox.concurrency * _CALLS_A_SECOND,
        )

    @cached_property
    def campaign_ledger(self) -> Ledger:
        return Ledger(self.clock, self.subscriptions, self.broadcast_rules.templates)

    @cached_property
    def campaigns(self) -> Campaigns:
        return Campaigns(
            clock=self.clock,
            chance=self.chance,
            cipher=self.cipher,
            outbox=self.outbox,
            directory=self.directory,
            ledger=self.campaign_ledger,
            reckoning=Reckoning(
                self.clock,
                Roster(self.outbox, self.subscriptions),
                self.broadcast_rules,
                channels=lambda: self.channels,
            ),
            rules=self.broadcast_rules,
        )

    @cached_property
    def campaign_runner(self) -> CampaignRunner:
        return CampaignRunner(
            self.database,
            clock=self.clock,
            chance=self.chance,
            campaigns=self.campaigns,
            posting=Posting(self.campaigns, self.outbox, self.chance, self.settings.school.zone),
            operators=self.operators,
            quiet=self.settings.reminders.quiet,
            zone=self.settings.school.zone,
        )

    @cached_property
    def safety_notices(self) -> SafetyNotices:
        return SafetyNotices(self.clock, self.campaigns, self.cases, self.operators)


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
