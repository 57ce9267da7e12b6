"""The use cases of campaigns: write, approve, pause, resume, cancel, report. Each joins its caller's transaction."""

from datetime import timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.broadcast import store
from bot.broadcast.audience import count_audience
from bot.broadcast.ledger import Ledger, subject_of
from bot.broadcast.models import (
    BadNoticeError,
    BroadcastRules,
    Draft,
    NoSuchCampaignError,
    SameNoticeError,
    check,
    fingerprint,
)
from bot.broadcast.reckoning import Reckoning
from bot.broadcast.records import CampaignLogRecord, CampaignRecord, CampaignTextRecord
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
        ledger: Ledger,
        reckoning: Reckoning,
        rules: BroadcastRules,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._cipher = cipher
        self._outbox = outbox
        self._directory = directory
        self.ledger = ledger
        self.reckoning = reckoning
        self.rules = rules

    def create(self, session: Session, draft: Draft) -> CampaignRecord:
        """The notice is a campaign. To a few people it is approved by rule, to more it waits for a second person.

        Raises BadNoticeError, and SameNoticeError if it was sent to the same range within seven days.
        """
        check(draft, self.rules)
        now = self._clock.now()
        size = count_audience(session, self.reckoning.audience_of(draft))
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
            segment=write_segment(draft.segment),
            urgent=draft.urgent,
            template=draft.template,
            may_mass=draft.use_mass,
            author=draft.author,
            fingerprint=mark,
            request_key=f"{mark}:{store.count_same(session, mark)}",
            audience=size,
            audience_of=draft.audience_of,
            only_silent=draft.only_silent,
            misfire_s=int((draft.misfire or self.rules.misfire).total_seconds()),
            created_at=now,
            scheduled_at=draft.at or now,
        )
        session.add(campaign)
        session.add(CampaignTextRecord(key=key, text=self._cipher.seal(draft.text.strip(), row=_text_row(key))))
        try:
            session.flush()
        except IntegrityError:  # somebody wrote the same at the same moment
            raise SameNoticeError("同样的内容、同样的范围，刚刚有人建了一个；flask broadcast list 看看") from None
        self.log(session, campaign, "created", actor=draft.author, detail={"audience": size})
        if draft.approved_by or size <= self.rules.approve_above:
            self._approve(session, campaign, draft.approved_by or _SMALL)
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

    def take_back_held(self, session: Session, campaign: CampaignRecord) -> None:
        """What is held of a finished campaign is not given any more."""
        self._outbox.cancel(session, subject_of(campaign.id))
        store.close_rows(session, campaign.id, ("held",), to="cancelled", now=self._clock.now())

    def test_send(self, session: Session, campaign_id: int, staff_no: str) -> None:
        """The member of staff has the notice's text on the way to WeCom, marked as a test. Raises BadNoticeError."""
        campaign = self.get(session, campaign_id)
        person = self._directory.find(session, staff_no)
        if person is None or not person.wecom_userid:
            raise BadNoticeError(f"工号 {staff_no} 不在名单里，或没有企业微信账号，试发送不到")
        words = f"【试发 G{campaign.id}】\n{self.text_of(session, campaign)}"
        self._outbox.enqueue(
            session,
            OutboundMessage(Source.WECOM, person.wecom_userid, TextContent(words)),
            priority=Priority.NOTICE,
            subject=f"campaign-test:{campaign.id}",
        )
        self.log(session, campaign, "tested", actor=staff_no)

    def get(self, session: Session, campaign_id: int, *, lock: bool = False) -> CampaignRecord:
        """Raises NoSuchCampaignError."""
        campaign = store.find_campaign(session, campaign_id, lock=lock)
        if campaign is None:
            raise NoSuchCampaignError(f"没有群发 G{campaign_id}；flask broadcast list 看有哪些")
        return campaign

    def text_of(self, session: Session, campaign: CampaignRecord) -> str:
        """The notice's words."""
        sealed = session.get_one(CampaignTextRecord, campaign.key).text
        return self._cipher.open(sealed, row=_text_row(campaign.key))

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


def _text_row(key: str) -> str:
    return f"campaign_texts:{key}"
