"""The use cases of campaigns: write, approve, pause, resume, cancel, report. Each joins its caller's transaction."""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from bot.broadcast import store
from bot.broadcast.budget import Budgets, budgets_for
from bot.broadcast.ledger import Ledger, subject_of
from bot.broadcast.models import (
    BadNoticeError,
    BroadcastRules,
    Draft,
    NoSuchCampaignError,
    Progress,
    SameNoticeError,
    check,
    fingerprint,
)
from bot.broadcast.planner import Forecast, Message, forecast
from bot.broadcast.records import CampaignLogRecord, CampaignRecord
from bot.broadcast.roster import Roster, usable, used_today
from bot.broadcast.segment import write_segment
from bot.broadcast.state import Act, CampaignState, check_approver, moved
from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.clock import Chance, Clock
from bot.crypto import Cipher
from bot.outbox.outbox import Outbox
from bot.outbox.state import Priority
from bot.staff.models import Role
from bot.staff.store import Directory

_SAME_FOR = timedelta(days=7)
_SMALL = "按规定：人数少"
APPROVERS = frozenset({Role.ADMIN, Role.STUDENT_AFFAIRS, Role.COLLEGE_LEAD})


class Campaigns:
    """The use cases of campaigns."""

    def __init__(
        self,
        *,
        clock: Clock,
        chance: Chance,
        cipher: Cipher,
        outbox: Outbox,
        directory: Directory,
        roster: Roster,
        ledger: Ledger,
        rules: BroadcastRules,
        channels: Callable[[], Collection[Source]],
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._cipher = cipher
        self._outbox = outbox
        self._directory = directory
        self.roster = roster
        self.ledger = ledger
        self.rules = rules
        self._channels = channels

    def forecast(self, session: Session, draft: Draft) -> Forecast:
        """What would become of the draft if it were sent now. Raises BadNoticeError."""
        check(draft, self.rules)
        people = store.list_audience(session, draft.segment, student_userids=self.rules.student_userids)
        message = self._message(urgent=draft.urgent, template=draft.template, use_mass=draft.use_mass)
        now = self._clock.now()
        return forecast(
            self.roster.recipients(
                session, people, subscription_id=self.subscription_id(draft.template), now=now, lock=False
            ),
            message,
            self.budgets(session),
            now,
            a_second=self.rules.calls_a_second,
        )

    def create(self, session: Session, draft: Draft) -> CampaignRecord:
        """The notice is a campaign. To a few people it is approved by rule, to more it waits for a second person.

        Raises BadNoticeError, and SameNoticeError if it was sent to the same range within seven days.
        """
        check(draft, self.rules)
        now = self._clock.now()
        size = store.count_audience(session, draft.segment)
        if size == 0:
            raise BadNoticeError(f"范围“{write_segment(draft.segment)}”里现在没有人；核对学院、班级、标签的写法")
        mark = fingerprint(draft)
        same = store.find_same(session, mark, now - _SAME_FOR)
        if same is not None and not draft.again:
            raise SameNoticeError(
                f"同样的内容、同样的范围，7 天内已经有 G{same.id} 了（flask broadcast report {same.id}）。"
                "确实要再发一次，加 --again"
            )
        key = self._chance.new_id()
        campaign = CampaignRecord(
            key=key,
            kind=draft.kind,
            state=CampaignState.DRAFT.value,
            title=draft.title[:60],
            text=self._cipher.seal(draft.text.strip(), row=f"campaigns:{key}"),
            segment=write_segment(draft.segment),
            urgent=draft.urgent,
            template=draft.template,
            may_mass=draft.use_mass,
            author=draft.author,
            fingerprint=mark,
            request_key=f"{mark}:{key}" if draft.again else f"{mark}:{now:%Y-%m-%d}:{same.id if same else 0}",
            audience=size,
            misfire_s=int((draft.misfire or self.rules.misfire).total_seconds()),
            created_at=now,
            scheduled_at=draft.at or now,
        )
        session.add(campaign)
        session.flush()
        self.log(session, campaign, "created", actor=draft.author, detail={"audience": size})
        if size <= self.rules.approve_above:
            self._approve(session, campaign, _SMALL)
        return campaign

    def approve(self, session: Session, campaign_id: int, staff_no: str) -> CampaignRecord:
        """A second person has agreed; the campaign is scheduled. Raises UserFacingError for anybody else."""
        campaign = self.get(session, campaign_id, lock=True)
        person = self._directory.find(session, staff_no)
        if person is None or person.role not in APPROVERS:
            raise BadNoticeError(f"工号 {staff_no} 不能批准群发：要是名单里的管理员、学生处老师或学院领导")
        check_approver(campaign.author, staff_no)
        self._approve(session, campaign, staff_no)
        return campaign

    def pause(self, session: Session, campaign_id: int, *, actor: str, reason: str = "by_hand") -> CampaignRecord:
        """Nothing more of it is sent. What waited for its turn waits in the ledger again; what is held stays held."""
        campaign = self.get(session, campaign_id, lock=True)
        campaign.state = moved(CampaignState(campaign.state), Act.PAUSE).value
        campaign.reason = reason
        self.take_back(session, campaign)
        self.log(session, campaign, "paused", actor=actor, detail={"reason": reason})
        return campaign

    def resume(self, session: Session, campaign_id: int, *, actor: str) -> CampaignRecord:
        """It goes on where it was; failures count from now. One that never started starts now."""
        campaign = self.get(session, campaign_id, lock=True)
        if campaign.state == CampaignState.PAUSED and campaign.started_at is None:
            campaign.state, campaign.scheduled_at = CampaignState.SCHEDULED.value, self._clock.now()
        else:
            campaign.state = moved(CampaignState(campaign.state), Act.RESUME).value
        campaign.reason, campaign.watch_from = "", self._clock.now()
        self.log(session, campaign, "resumed", actor=actor)
        return campaign

    def cancel(self, session: Session, campaign_id: int, *, actor: str) -> int:
        """Nothing more of it is sent, what is held is taken back. Returns how many it will not reach."""
        campaign = self.get(session, campaign_id, lock=True)
        now = self._clock.now()
        campaign.state = moved(CampaignState(campaign.state), Act.CANCEL).value
        campaign.finished_at = now
        self.take_back(session, campaign)
        self._outbox.cancel(session, subject_of(campaign.id))
        count = store.close_rows(session, campaign.id, ("waiting", "gathered", "held"), to="cancelled", now=now)
        self.log(session, campaign, "cancelled", actor=actor, detail={"rows": count})
        return count

    def take_back(self, session: Session, campaign: CampaignRecord, channel: Source | None = None) -> int:
        """What waits for its turn in the outbox, by one channel or by any, waits in the ledger again."""
        subject = subject_of(campaign.id)
        self._outbox.withdraw(session, subject, channel)
        return store.give_back(session, campaign.id, subject)

    def test_send(self, session: Session, campaign_id: int, staff_no: str) -> None:
        """The member of staff has the notice's text on the way to WeCom, marked as a test. Raises BadNoticeError."""
        campaign = self.get(session, campaign_id)
        person = self._directory.find(session, staff_no)
        if person is None or not person.wecom_userid:
            raise BadNoticeError(f"工号 {staff_no} 不在名单里，或没有企业微信账号，试发送不到")
        words = f"【试发 G{campaign.id}】\n{self.text_of(campaign)}"
        self._outbox.enqueue(
            session,
            OutboundMessage(Source.WECOM, person.wecom_userid, TextContent(words)),
            priority=Priority.NOTICE,
            subject=f"campaign-test:{campaign.id}",
        )
        self.log(session, campaign, "tested", actor=staff_no)

    def progress(self, session: Session, campaign: CampaignRecord) -> Progress:
        """How far it is, at what rate over the last minute, and how long the rest takes at that rate."""
        counts = store.counts(session, campaign.id)
        total = sum(counts.values())
        left = sum(counts.get(state, 0) for state in ("waiting", "gathered", "queued"))
        a_minute = float(store.settled_since(session, campaign.id, self._clock.now() - timedelta(minutes=1)))
        return Progress(
            counts=counts,
            total=total,
            done=total - left,
            a_minute=a_minute,
            left_for=timedelta(minutes=left / a_minute) if a_minute else None,
        )

    def get(self, session: Session, campaign_id: int, *, lock: bool = False) -> CampaignRecord:
        """Raises NoSuchCampaignError."""
        campaign = store.find_campaign(session, campaign_id, lock=lock)
        if campaign is None:
            raise NoSuchCampaignError(f"没有群发 G{campaign_id}；flask broadcast list 看有哪些")
        return campaign

    def text_of(self, campaign: CampaignRecord) -> str:
        """The notice's words."""
        return self._cipher.open(campaign.text, row=f"campaigns:{campaign.key}")

    def budgets(self, session: Session) -> Budgets:
        """What the platforms still allow at this moment."""
        now = self._clock.now()
        return budgets_for(
            self.rules.account_type,
            used_today(session, now),
            usable=usable(session, self._channels(), now),
            reserve=self.rules.reserve,
        )

    def message_of(self, campaign: CampaignRecord) -> Message:
        """What the planner needs to know of it."""
        return self._message(urgent=campaign.urgent, template=campaign.template, use_mass=campaign.may_mass)

    def subscription_id(self, template: str) -> str:
        """The platform's id of a subscription template, empty if this is none."""
        known = self.rules.templates.get(template)
        return known.template_id if known is not None and known.is_subscription else ""

    def log(
        self,
        session: Session,
        campaign: CampaignRecord,
        event: str,
        *,
        actor: str = "",
        detail: dict[str, Any] | None = None,
    ) -> None:
        """One more line in the campaign's story."""
        session.add(
            CampaignLogRecord(
                campaign_id=campaign.id, at=self._clock.now(), event=event, actor=actor, detail=detail or {}
            )
        )

    def _approve(self, session: Session, campaign: CampaignRecord, by: str) -> None:
        approved = moved(CampaignState(campaign.state), Act.APPROVE)
        campaign.state = moved(approved, Act.SCHEDULE).value
        campaign.approved_by = by
        self.log(session, campaign, "approved", actor=by)

    def _message(self, *, urgent: bool, template: str, use_mass: bool) -> Message:
        known = self.rules.templates.get(template)
        return Message(
            urgent=urgent,
            has_template=known is not None and not known.is_subscription,
            has_subscription=known is not None and known.is_subscription,
            may_mass=use_mass and self.rules.use_mass,
            cap=None if urgent else self.rules.daily_cap,
        )
