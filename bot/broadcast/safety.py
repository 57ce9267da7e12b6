"""Safety notices: urgent, answered with 我已安全 or 需要帮助, followed up until the all-clear.

Their words are in safety_words.py. An all-clear is an Update whose response is AllClear.
"""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.broadcast.models import BadNoticeError, Draft
from bot.broadcast.operators import Operators
from bot.broadcast.reading import read_segment
from bot.broadcast.records import CampaignRecord, RecipientRecord, SafetyAnswerRecord, SafetyNoticeRecord
from bot.broadcast.safety_words import SafetyAnswer, SafetyDraft, Standing, check_words, safety_words
from bot.broadcast.service import Campaigns
from bot.broadcast.state import CampaignState
from bot.cases.service import Case, Cases
from bot.clock import Clock

_REACHED = ("sent", "delivered")


class SafetyNotices:
    """The use cases of safety notices. An event has the number of its first campaign."""

    def __init__(self, clock: Clock, campaigns: Campaigns, cases: Cases, operators: Operators) -> None:
        self._clock = clock
        self._campaigns = campaigns
        self._cases = cases
        self._operators = operators

    def draft(self, notice: SafetyDraft) -> Draft:
        """The notice as a campaign's draft, with how to answer. Raises BadNoticeError for a word that CAP has not."""
        check_words(notice)
        return Draft(
            text=safety_words(notice.text, response=notice.response, exercise=notice.is_exercise, ask=True),
            segment=notice.segment,
            author=notice.author,
            title="平安通知演练" if notice.is_exercise else "平安通知",
            urgent=True,
            template=notice.template,
            again=notice.again,
            kind="safety",
        )

    def issue(self, session: Session, notice: SafetyDraft) -> CampaignRecord:
        """A new event has begun: its first campaign exists, and answers to it count."""
        campaign = self._campaigns.create(session, self.draft(notice))
        session.add(
            SafetyNoticeRecord(
                campaign_id=campaign.id,
                chain=campaign.id,
                message_type="Alert",
                status="Exercise" if notice.is_exercise else "Actual",
                urgency=notice.urgency,
                severity=notice.severity,
                response=notice.response,
            )
        )
        return campaign

    def resend(self, session: Session, event: int, *, author: str) -> CampaignRecord:
        """Who has not answered gets the first notice again. Raises BadNoticeError if nobody is silent."""
        first, campaign = self._open(session, event)
        text = self._campaigns.text_of(session, campaign)
        return self._follow(session, first, text, author=author, message_type="Alert", only_silent=True)

    def update(self, session: Session, event: int, text: str, *, author: str) -> CampaignRecord:
        """All of them get further words, and are asked again."""
        first, _ = self._open(session, event)
        words = safety_words(text, response=first.response, exercise=first.status == "Exercise", ask=True, mark="最新")
        return self._follow(session, first, words, author=author, message_type="Update")

    def all_clear(self, session: Session, event: int, text: str, *, author: str) -> CampaignRecord:
        """The danger is over and all of them hear it; nobody is asked any more, and what is on its way is stopped."""
        return self._end(session, event, text, author=author, message_type="Update", mark="解除")

    def cancel(self, session: Session, event: int, text: str, *, author: str) -> CampaignRecord:
        """The notice was wrong: what is still on its way is stopped, and who may have it gets the correction."""
        return self._end(session, event, text, author=author, message_type="Cancel", mark="更正")

    def find_event(self, session: Session, contact: str) -> SafetyNoticeRecord | None:
        """The newest open event that this student was told of."""
        query = (
            select(SafetyNoticeRecord)
            .join(RecipientRecord, RecipientRecord.campaign_id == SafetyNoticeRecord.campaign_id)
            .where(RecipientRecord.contact == contact, SafetyNoticeRecord.open)
            .order_by(SafetyNoticeRecord.campaign_id.desc())
        )
        return session.scalars(query.limit(1)).first()

    def answer_safe(self, session: Session, event: SafetyNoticeRecord, contact: str) -> None:
        """The student is counted as safe."""
        self._note(session, event.chain, contact, SafetyAnswer.SAFE)

    def answer_help(self, session: Session, event: SafetyNoticeRecord, contact: str, words: str) -> Case:
        """The student is counted as in need, has a case, and those who run the event know of it."""
        self._note(session, event.chain, contact, SafetyAnswer.HELP)
        mark = "平安通知演练" if event.status == "Exercise" else "平安通知"
        case = self._cases.open(session, contact, f"【{mark} G{event.chain}】需要帮助。{words}".strip())
        text = f"{mark} G{event.chain}：有同学回复“需要帮助”，请马上联系：回复 C{case.number} 您的话"
        self._operators.tell(session, text, key=f"help:{event.chain}:{case.number}")
        return case

    def standing(self, session: Session, event: int) -> Standing:
        """Who is safe, who needs help, who has said nothing. Raises BadNoticeError for what is no event."""
        notice = self._first(session, event)
        of_event = RecipientRecord.campaign_id == event
        total = session.scalar(select(func.count()).select_from(RecipientRecord).where(of_event)) or 0
        reached = session.scalar(
            select(func.count(func.distinct(RecipientRecord.person)))
            .join(SafetyNoticeRecord, SafetyNoticeRecord.campaign_id == RecipientRecord.campaign_id)
            .where(SafetyNoticeRecord.chain == event, RecipientRecord.state.in_(_REACHED))
        )
        query = select(SafetyAnswerRecord.answer, func.count()).where(SafetyAnswerRecord.chain == event)
        said = {str(word): int(count) for word, count in session.execute(query.group_by(SafetyAnswerRecord.answer))}
        safe, in_need = said.get(SafetyAnswer.SAFE, 0), said.get(SafetyAnswer.HELP, 0)
        return Standing(
            total=total,
            safe=safe,
            help=in_need,
            silent=max(0, (reached or 0) - safe - in_need),
            not_reached=total - (reached or 0),
            is_open=notice.open,
        )

    def _end(
        self, session: Session, event: int, text: str, *, author: str, message_type: str, mark: str
    ) -> CampaignRecord:
        first, _ = self._open(session, event)
        chain = select(SafetyNoticeRecord.campaign_id).where(SafetyNoticeRecord.chain == event)
        for campaign_id in session.scalars(chain).all():
            campaign = self._campaigns.get(session, campaign_id, lock=True)
            if campaign.state not in (CampaignState.FINISHED, CampaignState.CANCELLED):
                self._campaigns.cancel(session, campaign_id, actor=author)
            else:
                self._campaigns.take_back_held(session, campaign)
        words = safety_words(text, response="None", exercise=first.status == "Exercise", ask=False, mark=mark)
        last = self._follow(session, first, words, author=author, message_type=message_type, response="AllClear")
        session.execute(
            update(SafetyNoticeRecord).where(SafetyNoticeRecord.chain == event).values(open=False),
            execution_options={"synchronize_session": "fetch"},
        )
        return last

    def _follow(
        self,
        session: Session,
        first: SafetyNoticeRecord,
        text: str,
        *,
        author: str,
        message_type: str,
        only_silent: bool = False,
        response: str = "",
    ) -> CampaignRecord:
        """A further campaign of the event; the approval of the first one speaks for it."""
        origin = self._campaigns.get(session, first.chain)
        if not origin.approved_by:
            raise BadNoticeError(f"G{first.chain} 还没有批准：flask broadcast approve {first.chain} --by 工号")
        campaign = self._campaigns.create(
            session,
            Draft(
                text=text,
                segment=read_segment(origin.segment),
                author=author,
                title=origin.title,
                urgent=True,
                template=origin.template,
                again=True,
                kind="safety",
                audience_of=first.chain,
                only_silent=only_silent,
                approved_by=f"随 G{first.chain}",
            ),
        )
        session.add(
            SafetyNoticeRecord(
                campaign_id=campaign.id,
                chain=first.chain,
                message_type=message_type,
                status=first.status,
                urgency=first.urgency,
                severity=first.severity,
                response=response or first.response,
            )
        )
        session.flush()
        return campaign

    def _first(self, session: Session, event: int) -> SafetyNoticeRecord:
        notice = session.get(SafetyNoticeRecord, event)
        if notice is None or notice.chain != event:
            raise BadNoticeError(f"G{event} 不是平安通知的第一条；flask broadcast list 看编号")
        return notice

    def _open(self, session: Session, event: int) -> tuple[SafetyNoticeRecord, CampaignRecord]:
        notice = self._first(session, event)
        if not notice.open:
            raise BadNoticeError(f"平安通知 G{event} 已经解除或取消了")
        return notice, self._campaigns.get(session, event)

    def _note(self, session: Session, chain: int, contact: str, answer: SafetyAnswer) -> None:
        session.merge(SafetyAnswerRecord(chain=chain, contact=contact, answer=answer.value, at=self._clock.now()))
