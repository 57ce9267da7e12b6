"""Carries campaigns out: freezes the audience, plans some hundred people a transaction, stops by itself, finishes."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from bot.broadcast import messages, store
from bot.broadcast.audience import freeze
from bot.broadcast.budget import Way
from bot.broadcast.ledger import subject_of
from bot.broadcast.operators import Operators
from bot.broadcast.posting import Posting
from bot.broadcast.quiet import after_quiet, is_quiet
from bot.broadcast.records import CampaignRecord
from bot.broadcast.roster import CHANNELS, resting
from bot.broadcast.service import Campaigns
from bot.broadcast.state import Act, CampaignState, StopRule, is_too_late, moved
from bot.clock import Chance, Clock
from bot.db import Database
from bot.ticker import TickReport

logger = structlog.get_logger(__name__)

_AT_ONCE = 200  # one transaction's worth: short enough that no callback waits for it
_MOST_UNDER_WAY = 1000
_RESULTS_WITHIN = timedelta(minutes=5)
_CATCH_UP_EVERY = timedelta(seconds=20)


class CampaignRunner:
    """Takes every due campaign a step further. One worker plans at a time; the dispatchers of all share the sending."""

    name = "campaigns"

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        chance: Chance,
        campaigns: Campaigns,
        posting: Posting,
        operators: Operators,
        quiet: tuple[time, time],
        zone: ZoneInfo,
        stop_rule: StopRule | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance
        self._campaigns = campaigns
        self._posting = posting
        self._operators = operators
        self._quiet = quiet
        self._zone = zone
        self._stop_rule = stop_rule or StopRule()
        self._caught_up_at: datetime | None = None

    def tick(self) -> TickReport:
        """The ledger says what became of its deliveries, and each due campaign has been taken one step further."""
        now = self._clock.now()
        done = self._catch_up(now)
        with self._database.read() as session:
            active = store.active_ids(session, now)
        more = False
        for campaign_id in active:
            count = self._step(campaign_id)
            done, more = done + count, more or count > 0
        return TickReport(done=done, more=more)

    def _catch_up(self, now: datetime) -> int:
        if self._caught_up_at is not None and now - self._caught_up_at < _CATCH_UP_EVERY:
            return 0
        self._caught_up_at = now
        with self._database.read() as session:
            if not self._campaigns.ledger.is_behind(session):
                return 0
        with self._database.write() as session:
            return self._campaigns.ledger.catch_up(session)

    def _step(self, campaign_id: int) -> int:
        """How much was done; 0 if nothing can be done at this moment."""
        with self._database.write() as session:
            campaign = self._campaigns.get(session, campaign_id, lock=True)
            now = self._clock.now()
            if campaign.state == CampaignState.SCHEDULED:
                return self._start(session, campaign, now)
            if campaign.state != CampaignState.RUNNING:
                return 0
            if self._stop_if_it_must(session, campaign, now):
                return 1
            if not campaign.urgent and is_quiet(now, self._quiet, self._zone):
                return 0
            return self._go_on(session, campaign, now)

    def _start(self, session: Session, campaign: CampaignRecord, now: datetime) -> int:
        planned = campaign.scheduled_at or now
        if not campaign.urgent:
            planned = after_quiet(planned, self._quiet, self._zone)  # the night does not make it late
            if now < planned or is_quiet(now, self._quiet, self._zone):
                return 0
        if is_too_late(planned, now, timedelta(seconds=campaign.misfire_s)):
            self._stop(session, campaign, "misfire")
            return 1
        campaign.state = moved(CampaignState.SCHEDULED, Act.START).value
        campaign.started_at = campaign.watch_from = now
        campaign.expires_at = now + self._campaigns.rules.hold_for
        campaign.audience = freeze(session, campaign.id, self._campaigns.reckoning.audience_of(campaign))
        self._campaigns.log(session, campaign, "started", detail={"audience": campaign.audience})
        logger.info("campaign_started", campaign=campaign.id, audience=campaign.audience)
        return 1

    def _stop_if_it_must(self, session: Session, campaign: CampaignRecord, now: datetime) -> bool:
        """An ordinary campaign waits for a person when an interface it uses is closed, or too much fails.

        An urgent one goes on by the other ways.
        """
        since = campaign.watch_from or now
        for way, rest in resting(session, now).items():
            lasts = rest.until is None or rest.until - now > timedelta(minutes=2)
            if not lasts or rest.since < since or way is Way.WECOM:
                continue
            if campaign.urgent:
                self._campaigns.take_back(session, campaign, CHANNELS[way])
            elif store.has_used(session, subject_of(campaign.id), CHANNELS[way]):
                self._stop(session, campaign, f"{CHANNELS[way].value}:{rest.code}")
                return True
        if not campaign.urgent and self._stop_rule.stops(store.tally(session, subject_of(campaign.id), since)):
            self._stop(session, campaign, "errors")
            return True
        return False

    def _stop(self, session: Session, campaign: CampaignRecord, reason: str) -> None:
        self._campaigns.pause(session, campaign.id, actor="runner", reason=reason)
        logger.warning("campaign_paused_itself", campaign=campaign.id, reason=reason)
        key = f"paused:{campaign.id}:{self._chance.new_id()}"
        self._operators.tell(session, messages.paused(campaign.id, reason), key=key)

    def _go_on(self, session: Session, campaign: CampaignRecord, now: datetime) -> int:
        counts = store.counts(session, campaign.id)
        if counts.get("queued", 0) >= _MOST_UNDER_WAY:
            return 0
        rows = store.take(session, campaign.id, "waiting", limit=_AT_ONCE)
        if rows:
            self._posting.plan(session, campaign, rows, now)
            return len(rows)
        if counts.get("gathered", 0):
            return self._posting.send_mass(session, campaign, now)
        if counts.get("queued", 0) or counts.get("waiting", 0):
            return 0
        if store.awaits_results(session, campaign.id, now - _RESULTS_WITHIN):
            return 0
        campaign.state = moved(CampaignState.RUNNING, Act.FINISH).value
        campaign.finished_at = now
        self._campaigns.log(session, campaign, "finished", detail=dict(counts))
        logger.info("campaign_finished", campaign=campaign.id, **counts)
        return 1
