"""Turns decisions into deliveries: each row of the ledger gets its own, within the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.broadcast import store
from bot.broadcast.audience import Person
from bot.broadcast.budget import MASS_EVERY, MASS_FEWEST, MASS_MOST, Way
from bot.broadcast.ledger import subject_of
from bot.broadcast.planner import Held, Unreachable, plan_all
from bot.broadcast.records import CampaignRecord, RecipientRecord
from bot.broadcast.roster import CHANNELS
from bot.broadcast.service import Campaigns
from bot.broadcast.templates import Filled, fill
from bot.channel.messages import Content, MassContent, OutboundMessage, Source, TextContent
from bot.clock import Chance
from bot.outbox.outbox import Letter, Outbox
from bot.outbox.state import Priority


class Posting:
    """Plans rows and enqueues what follows from it."""

    def __init__(self, campaigns: Campaigns, outbox: Outbox, chance: Chance, zone: ZoneInfo) -> None:
        self._campaigns = campaigns
        self._outbox = outbox
        self._chance = chance
        self._zone = zone

    def plan(self, session: Session, campaign: CampaignRecord, rows: list[RecipientRecord], now: datetime) -> None:
        """Each row has its decision, and a delivery where that means one, in this transaction."""
        people = [Person(row.person, row.contact, row.wecom_userid, row.tried) for row in rows]
        text = self._campaigns.text_of(session, campaign)
        filled = self._filled(campaign, text)
        reckoning = self._campaigns.reckoning
        recipients = reckoning.recipients(session, people, campaign.template, lock=True)
        decided = plan_all(recipients, reckoning.message_of(campaign), reckoning.budgets(session), now)
        letters: list[tuple[RecipientRecord | None, Letter]] = []
        for row, (_, decision, _) in zip(rows, decided, strict=True):
            row.planned_at = now
            row.rounds += 1
            if isinstance(decision, Unreachable):
                failed = bool(row.tried) and row.reason not in store.RECIPIENT_FAULTS
                row.state, row.settled_at = "failed" if failed else "unreachable", now
                row.reason = row.reason if failed else decision.reason
            elif isinstance(decision, Held):
                row.state, row.reason = "held", decision.reason
                letters.append((row, _letter(campaign, row, TextContent(text), held=True)))
            elif decision.way is Way.MASS:
                row.state, row.way = "gathered", Way.MASS.value
            else:
                row.state, row.way, row.reason = "queued", decision.way.value, ""
                short = filled if decision.way in (Way.TEMPLATE, Way.SUBSCRIPTION) else None
                content: Content = short.content if short else TextContent(text)
                letters.append((row, _letter(campaign, row, content, channel=CHANNELS[decision.way])))
                if short and not short.is_whole:  # the template says how to get the rest: by writing
                    letters.append((None, _letter(campaign, row, TextContent(text), held=True, suffix=":whole")))
        self._post(session, letters)

    def send_mass(self, session: Session, campaign: CampaignRecord, now: datetime) -> int:
        """What was gathered is one delivery; a single one, which the platform does not take, is held."""
        rows = store.take(session, campaign.id, "gathered", limit=MASS_MOST)
        text = self._campaigns.text_of(session, campaign)
        if len(rows) < MASS_FEWEST:
            for row in rows:
                row.state, row.way, row.reason = "held", "", "too_few"
            self._post(session, [(row, _letter(campaign, row, TextContent(text), held=True)) for row in rows])
            return len(rows)
        job = self._chance.new_id()
        content = MassContent(tuple(row.contact for row in rows), text, f"lixiao-{job}")
        delivery_id = self._outbox.enqueue(
            session,
            OutboundMessage(Source.MASS, f"mass:{job}", content),
            priority=_priority(campaign),
            subject=subject_of(campaign.id),
            dedup_key=f"mass:{job}",
            not_before=now + MASS_EVERY * store.mass_under_way(session),
            expires_at=campaign.expires_at,
        )
        for row in rows:
            row.state, row.delivery_id, row.planned_at = "queued", delivery_id, now
        return len(rows)

    def _post(self, session: Session, letters: Sequence[tuple[RecipientRecord | None, Letter]]) -> None:
        """All are enqueued in one statement, and each row knows its delivery."""
        stored = self._outbox.enqueue_all(session, [letter for _, letter in letters])
        for (row, _), delivery_id in zip(letters, stored, strict=True):
            if row is not None:
                row.delivery_id = delivery_id

    def _filled(self, campaign: CampaignRecord, text: str) -> Filled | None:
        template = self._campaigns.rules.templates.get(campaign.template)
        at = (campaign.started_at or campaign.created_at).astimezone(self._zone)
        return fill(template, title=campaign.title, text=text, at=at) if template else None


def _letter(
    campaign: CampaignRecord,
    row: RecipientRecord,
    content: Content,
    *,
    channel: Source = Source.WECHAT,
    held: bool = False,
    suffix: str = "",
) -> Letter:
    recipient = row.wecom_userid if channel is Source.WECOM else row.contact
    return Letter(
        OutboundMessage(channel, recipient, content),
        _priority(campaign),
        subject=subject_of(campaign.id),
        dedup_key=f"campaign:{campaign.id}:{row.id}:{row.rounds}{suffix}",
        expires_at=campaign.expires_at,
        held=held,
    )


def _priority(campaign: CampaignRecord) -> Priority:
    return Priority.NOTICE if campaign.urgent else Priority.ORDINARY
