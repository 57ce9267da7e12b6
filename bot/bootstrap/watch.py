"""Alerts and cases: who is on duty, who is told how, who watches that it happens. No rules here."""

from collections.abc import Sequence
from datetime import time, timedelta
from functools import cached_property

from flask import Blueprint
from sqlalchemy.orm import Session

from bot.bootstrap.ways_out import WaysOut
from bot.cases.service import Cases
from bot.escalation.alerts import Alerts
from bot.escalation.auditor import Auditor
from bot.escalation.drills import Drills
from bot.escalation.duty_notices import GapReport, HandOver, NightCopies
from bot.escalation.follow_ups import FollowUps
from bot.escalation.handling import Handling
from bot.escalation.page import create_alert_page
from bot.escalation.policies import TWO_PARTIES, NoticePolicy, Rung
from bot.escalation.policy import Target
from bot.escalation.reaching import Reaching
from bot.escalation.report_page import create_report_page
from bot.escalation.reports import Reports
from bot.escalation.rota import Rota
from bot.escalation.swaps import Swaps
from bot.gateway.http import Timeouts
from bot.relay.alarm import Alarm, Heartbeat
from bot.settings import EscalationStep
from bot.ticker import Ticker
from bot.worker import Loop


class Watch(WaysOut):
    """Alerts and cases: who is on duty, who is told how, who watches that it happens."""

    @cached_property
    def rota(self) -> Rota:
        return Rota(self.directory, hours=self.hours)

    @cached_property
    def reaching(self) -> Reaching:
        return Reaching(
            outbox=self.outbox,
            directory=self.directory,
            rota=self.rota,
            configured=self.channels.keys(),
            school=self.settings.school.short_name,
            link_for=lambda alert, person: self.links.link(alert, person.staff_no),
        )

    @cached_property
    def swaps(self) -> Swaps:
        return Swaps(clock=self.clock, rota=self.rota, reaching=self.reaching)

    @cached_property
    def alerts(self) -> Alerts:
        return Alerts(
            clock=self.clock,
            chance=self.chance,
            cipher=self.cipher,
            outbox=self.outbox,
            rota=self.rota,
            policy=self.notice_policy,
            zone=self.settings.school.zone,
            has_robot=self.settings.has_robot,
            who_is=self.profiles.who_is,
            college_of=self.college_of,
            class_of=self.profiles.class_of,
            reaching=self.reaching,
        )

    @property
    def notice_policy(self) -> NoticePolicy:
        """The ladders of the settings."""
        rules = self.settings.escalation
        return NoticePolicy(
            first=timedelta(seconds=rules.ack_timeout_s),
            red=timedelta(seconds=rules.repeat_s),
            orange=timedelta(seconds=rules.orange_repeat_s),
            red_rungs=_rungs(rules.red_steps),
            orange_rungs=_rungs(rules.orange_steps),
            red_parties=TWO_PARTIES if rules.two_parties_for_red else (),
            red_stale=timedelta(seconds=rules.red_stale_s),
            orange_stale=timedelta(seconds=rules.orange_stale_s),
            nudge_before=timedelta(seconds=rules.nudge_s),
        )

    def college_of(self, session: Session, contact: str) -> str:
        """The college behind a contact: a student's, or a drill's; empty if it is not known."""
        return self.profiles.college_of(session, contact) or self.drills.college_of(session, contact)

    @cached_property
    def handling(self) -> Handling:
        return Handling(self.alerts, clock=self.clock, follow_ups=self.follow_ups)

    @cached_property
    def follow_ups(self) -> FollowUps:
        hours = self.settings.escalation.follow_up_hours
        return FollowUps(
            self.database,
            clock=self.clock,
            alerts=self.alerts,
            rota=self.rota,
            zone=self.settings.school.zone,
            after=tuple(timedelta(hours=hour) for hour in hours),
        )

    @property
    def duty_loops(self) -> tuple[Loop, ...]:
        """What the clock tells staff about the rota."""
        own = self.settings.rota
        tickers: tuple[Ticker, ...] = (
            HandOver(self.database, clock=self.clock, rota=self.rota, reaching=self.reaching, enabled=own.handover),
            GapReport(
                self.database,
                clock=self.clock,
                rota=self.rota,
                reaching=self.reaching,
                directory=self.directory,
                workdays=self.workdays,
                report_at=time.fromisoformat(own.report_at),
            ),
            NightCopies(
                self.database,
                clock=self.clock,
                rota=self.rota,
                reaching=self.reaching,
                alerts=self.alerts,
                class_of=self.profiles.class_of,
            ),
        )
        return tuple(Loop(ticker, rest_s=30, leader_only=True) for ticker in tickers)

    @cached_property
    def auditor(self) -> Auditor:
        timeouts = Timeouts(self.settings.wecom.connect_timeout_s, self.settings.wecom.read_timeout_s)
        return Auditor(
            self.database,
            self.clock,
            raise_alarm=Alarm(self.channels, emails=self.settings.audit.alarm_emails),
            beat_outside=Heartbeat(self.settings.escalation.heartbeat_url, timeouts),
        )

    @cached_property
    def reports(self) -> Reports:
        return Reports(
            clock=self.clock,
            directory=self.directory,
            drills=self.drills,
            links=self.links_to("report", path="r"),
            zone=self.settings.school.zone,
        )

    @cached_property
    def drills(self) -> Drills:
        return Drills(self.database, clock=self.clock, chance=self.chance, cipher=self.cipher, alerts=self.alerts)

    @cached_property
    def cases(self) -> Cases:
        return Cases(
            clock=self.clock,
            chance=self.chance,
            cipher=self.cipher,
            outbox=self.outbox,
            directory=self.directory,
            zone=self.settings.school.zone,
            is_working_day=self.workdays.is_working_day,
            has_robot=self.settings.has_robot,
        )

    def alert_page(self) -> Blueprint:
        """The page behind the link in an alert."""
        return create_alert_page(
            self.database, alerts=self.alerts, handling=self.handling, links=self.links, zone=self.settings.school.zone
        )

    def report_page(self) -> Blueprint:
        """The page with each rule's precision and the drills' times."""
        return create_report_page(self.database, self.reports)


def _rungs(steps: Sequence[EscalationStep]) -> tuple[Rung, ...]:
    return tuple(
        (tuple(Target(word) for word in step.tell), None if step.wait_s is None else timedelta(seconds=step.wait_s))
        for step in steps
    )
