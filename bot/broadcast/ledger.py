"""Keeps the ledger true: what became of each recipient's delivery, and what the platform reports of it afterwards."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from bot.broadcast import store
from bot.broadcast.records import CampaignRecord, RecipientRecord, SendResultRecord
from bot.broadcast.roster import Subscriptions
from bot.broadcast.state import CampaignState
from bot.broadcast.templates import Template
from bot.channel.channel import Receipt
from bot.channel.errors import RecipientGoneError
from bot.channel.messages import Source
from bot.clock import Clock
from bot.db import insert_into, table_of
from bot.outbox.records import DeliveryRecord
from bot.outbox.state import Delivery, DeliveryState, Outcome
from bot.outbox.store import Settled
from bot.students.contacts import mark_unfollowed

logger = structlog.get_logger(__name__)

PREFIX = "campaign:"
_WITH_RESULT = (Source.TEMPLATE.value, Source.MASS.value)
_PLAIN = (Source.WECHAT.value, Source.WECOM.value)
_RECIPIENTS = table_of(RecipientRecord)
_SENT = (
    update(_RECIPIENTS)
    .where(_RECIPIENTS.c.delivery_id == bindparam("which"))
    .values(
        state=DeliveryState.SENT.value,
        settled_at=bindparam("at"),
        reason="",
        doubtful=or_(_RECIPIENTS.c.doubtful, bindparam("doubted")),
    )
)
_SUBSCRIPTION_USED_UP = "43101"
_AT_ONCE = 500
_RESULTS_FOR = timedelta(hours=1)  # a result that speaks of nothing by then is of another program


def subject_of(campaign_id: int) -> str:
    """The subject of a campaign's deliveries."""
    return f"{PREFIX}{campaign_id}"


def _is_plain(delivery: Delivery) -> bool:
    """Most are: of what has gone to one person's chat, the ledger has nothing to know but that."""
    return delivery.channel in _PLAIN and delivery.state is DeliveryState.SENT


class Ledger:
    """Listens to the outbox, and hears the platform's results.

    A way that did not work is not tried again for the same message: the planner looks for the next one.
    """

    def __init__(self, clock: Clock, subscriptions: Subscriptions, templates: Mapping[str, Template]) -> None:
        self._clock = clock
        self._subscriptions = subscriptions
        self._templates = templates

    def __call__(self, session: Session, delivery: Delivery, outcome: Outcome) -> None:
        """Called in the transaction that settles an attempt."""
        self.hear_many(session, [(delivery, outcome)])

    def hear_many(self, session: Session, settled: Sequence[Settled], /) -> None:
        """The same for several, in fewer statements."""
        plain = []
        for delivery, outcome in settled:
            if delivery.subject.startswith(PREFIX) and _is_plain(delivery):
                plain.append(delivery)
            else:
                self._hear(session, delivery, outcome)
        self._note_sent(session, plain)

    def _hear(self, session: Session, delivery: Delivery, outcome: Outcome) -> None:
        single = delivery.channel in (Source.TEMPLATE, Source.SUBSCRIPTION)
        if single and isinstance(outcome, RecipientGoneError):  # the window's ledger knows the other channels
            mark_unfollowed(session, delivery.recipient)
        if not delivery.subject.startswith(PREFIX):
            return
        if delivery.state is DeliveryState.PENDING:
            return
        rows = session.scalars(select(RecipientRecord).where(RecipientRecord.delivery_id == delivery.id)).all()
        if delivery.channel == Source.SUBSCRIPTION and rows:
            self._count_subscription(session, rows[0].campaign_id, delivery, outcome)
        self._close(session, rows, delivery.state, delivery.code, doubtful=delivery.doubtful)
        if isinstance(outcome, Receipt) and outcome.platform_id and delivery.channel in _WITH_RESULT:
            self._apply(session, outcome.platform_id)

    def _note_sent(self, session: Session, deliveries: Sequence[Delivery]) -> None:
        now = self._clock.now()
        values = [{"which": one.id, "doubted": one.doubtful, "at": now} for one in deliveries]
        if values:
            session.connection().execute(_SENT, values)

    def note_result(self, session: Session, platform_id: str, *, status: str, total: int = 0, sent: int = 0) -> None:
        """What the platform reports of a send is on record, once, and the rows it speaks of are closed.

        Sources: WeChat, TEMPLATESENDJOBFINISH (success, failed:user block, failed: system failed) and
        MASSSENDJOBFINISH (send success, send fail, err(…), with counts).
        """
        table = table_of(SendResultRecord)
        values = {
            "platform_id": platform_id[:80],
            "status": status[:80],
            "total": total,
            "sent": sent,
            "at": self._clock.now(),
            "applied": False,
        }
        inserting = insert_into(session.get_bind().dialect.name, table).values(values)
        session.execute(inserting.on_conflict_do_nothing(index_elements=["platform_id"]))
        self._apply(session, platform_id)

    def is_behind(self, session: Session) -> bool:
        """True if `catch_up` has something to do."""
        return bool(store.lagging(session, limit=1) or store.unapplied(session, self._results_since(), limit=1))

    def catch_up(self, session: Session) -> int:
        """Rows whose delivery was given with a reply, expired or closed by hand say so. Returns how many.

        So do those whose result came in the very moment in which the send was stored, when neither saw the other.
        """
        for platform_id in store.unapplied(session, self._results_since(), limit=_AT_ONCE):
            self._apply(session, platform_id)
        found = store.lagging(session, limit=_AT_ONCE)
        for row_id, delivery in found:
            row = session.get(RecipientRecord, row_id, with_for_update=True)
            if row is not None and row.state in ("queued", "held"):
                state = DeliveryState(delivery["state"])
                self._close(session, [row], state, delivery["code"], doubtful=delivery["doubtful"])
        return len(found)

    def _close(
        self, session: Session, rows: Sequence[RecipientRecord], state: DeliveryState, code: str, *, doubtful: bool
    ) -> None:
        now = self._clock.now()
        for row in rows:
            row.doubtful = row.doubtful or doubtful
            if state in (DeliveryState.SENT, DeliveryState.DELIVERED):
                row.state, row.settled_at, row.reason = state.value, now, ""
            elif state is DeliveryState.FAILED:
                _try_next(session, row, code, now)
            elif state is DeliveryState.EXPIRED:
                row.state, row.settled_at, row.reason = "expired", now, "expired"
            elif state is DeliveryState.CANCELLED:
                row.state, row.settled_at = "cancelled", now
            elif state is DeliveryState.HELD:
                row.state = "held"

    def _apply(self, session: Session, platform_id: str) -> None:
        """Does nothing while either the send or its result is not stored yet: whoever comes second calls again."""
        session.flush()
        result = session.get(SendResultRecord, platform_id)
        query = select(DeliveryRecord).where(
            DeliveryRecord.platform_id == platform_id,
            DeliveryRecord.channel.in_(_WITH_RESULT),
            DeliveryRecord.state == DeliveryState.SENT.value,
        )
        delivery = session.scalars(query.with_for_update()).first()
        if result is None or delivery is None:
            return
        result.applied = True
        rows = session.scalars(select(RecipientRecord).where(RecipientRecord.delivery_id == delivery.id)).all()
        now = self._clock.now()
        if result.status.replace(" ", "").lower() not in ("success", "sendsuccess"):
            logger.warning("send_result_is_a_failure", delivery=delivery.id, channel=delivery.channel)
            delivery.code = result.status[:60]
            for row in rows:
                _try_next(session, row, result.status[:60], now)
            return
        delivery.state = DeliveryState.DELIVERED.value
        partly = delivery.channel == Source.MASS and result.sent < result.total
        for row in rows:
            if partly:  # the platform counts, and names nobody
                row.reason = f"{result.sent}/{result.total}"
            else:
                row.state = "delivered"

    def _results_since(self) -> datetime:
        return self._clock.now() - _RESULTS_FOR

    def _count_subscription(self, session: Session, campaign_id: int, delivery: Delivery, outcome: Outcome) -> None:
        campaign = session.get(CampaignRecord, campaign_id)
        template = self._templates.get(campaign.template) if campaign else None
        if template is None:
            return
        if isinstance(outcome, Receipt):
            self._subscriptions.spend(session, delivery.recipient, template.template_id)
        elif delivery.code == _SUBSCRIPTION_USED_UP:
            self._subscriptions.none_left(session, delivery.recipient, template.template_id)


def _try_next(session: Session, row: RecipientRecord, code: str, now: datetime) -> None:
    """The row waits for another way than the one that failed, and remembers why; it has failed if nothing follows."""
    if row.way and row.way not in row.tried.split(","):
        row.tried = ",".join(filter(None, [row.tried, row.way]))
    row.reason = code
    campaign = session.get(CampaignRecord, row.campaign_id)
    is_over = campaign is None or campaign.state in (CampaignState.FINISHED, CampaignState.CANCELLED)
    if is_over or row.state == "held":  # nothing comes after holding
        row.state, row.settled_at = "failed", now
    else:
        row.state, row.way, row.delivery_id = "waiting", "", None
