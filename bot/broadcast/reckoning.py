"""What a campaign means in people and budgets at a moment: for the forecast and for the sending alike."""

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from bot.broadcast.audience import Person, audience_again, audience_of, list_audience
from bot.broadcast.budget import Budgets, budgets_for
from bot.broadcast.models import BroadcastRules, Draft, check
from bot.broadcast.planner import Forecast, Message, Recipient, forecast
from bot.broadcast.reading import read_segment
from bot.broadcast.records import CampaignRecord
from bot.broadcast.roster import Roster, usable, used_today
from bot.channel.messages import Source
from bot.clock import Clock


class Reckoning:
    """Loads what the planner needs."""

    def __init__(
        self, clock: Clock, roster: Roster, rules: BroadcastRules, channels: Callable[[], Collection[Source]]
    ) -> None:
        """`channels` are those that are configured."""
        self._clock = clock
        self.roster = roster
        self._rules = rules
        self._channels = channels

    def forecast(self, session: Session, draft: Draft) -> Forecast:
        """What would become of the draft if it were sent now. Raises BadNoticeError."""
        check(draft, self._rules)
        people = list_audience(session, self.audience_of(draft))
        recipients = self.recipients(session, people, draft.template, lock=False)
        message = self._message(urgent=draft.urgent, template=draft.template, use_mass=draft.use_mass)
        now, speed = self._clock.now(), self._rules.calls_a_second
        return forecast(recipients, message, self.budgets(session), now, a_second=speed)

    def recipients(self, session: Session, people: list[Person], template: str, *, lock: bool) -> Collection[Recipient]:
        """Each of `people`, in order. With `lock` nobody else spends their windows until the transaction ends."""
        known = self._rules.templates.get(template)
        subscription = known.template_id if known is not None and known.is_subscription else ""
        now = self._clock.now()
        return list(self.roster.recipients(session, people, subscription_id=subscription, now=now, lock=lock))

    def budgets(self, session: Session) -> Budgets:
        """What the platforms still allow at this moment."""
        now = self._clock.now()
        return budgets_for(
            self._rules.account_type,
            used_today(session, now),
            usable=usable(session, self._channels(), now),
            reserve=self._rules.reserve,
        )

    def message_of(self, campaign: CampaignRecord) -> Message:
        """What the planner needs to know of it."""
        return self._message(urgent=campaign.urgent, template=campaign.template, use_mass=campaign.may_mass)

    def audience_of(self, campaign: Draft | CampaignRecord) -> Select[Any]:
        """The people whom it means."""
        if campaign.audience_of is not None:
            return audience_again(campaign.audience_of, only_silent=campaign.only_silent)
        meant = read_segment(campaign.segment) if isinstance(campaign, CampaignRecord) else campaign.segment
        return audience_of(meant, student_userids=self._rules.student_userids)

    def _message(self, *, urgent: bool, template: str, use_mass: bool) -> Message:
        known = self._rules.templates.get(template)
        return Message(
            urgent=urgent,
            has_template=known is not None and not known.is_subscription,
            has_subscription=known is not None and known.is_subscription,
            may_mass=use_mass and self._rules.use_mass,
            cap=None if urgent else self._rules.daily_cap,
        )
