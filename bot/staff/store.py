"""SQL of staff. Nothing here commits."""

from collections.abc import Sequence

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.crypto import Cipher, UnreadableError
from bot.staff.models import Role, Staff
from bot.staff.records import StaffRecord

logger = structlog.get_logger(__name__)


class Directory:
    """Finds and stores members of staff."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def find_by_userid(self, session: Session, userid: str) -> Staff | None:
        """The active member of staff with this WeCom userid."""
        if not userid:
            return None
        query = select(StaffRecord).where(StaffRecord.wecom_userid == userid, StaffRecord.active)
        record = session.scalars(query).first()
        return self._opened(record) if record else None

    def find(self, session: Session, staff_no: str) -> Staff | None:
        """The active member of staff with this number."""
        record = session.get(StaffRecord, staff_no)
        return self._opened(record) if record and record.active else None

    def with_role(self, session: Session, role: Role) -> list[Staff]:
        """All active members of staff in a role, by number."""
        query = select(StaffRecord).where(StaffRecord.role == role.value, StaffRecord.active)
        return [self._opened(record) for record in session.scalars(query.order_by(StaffRecord.staff_no))]

    def called(self, session: Session, word: str) -> list[Staff]:
        """The active members of staff with this number, WeCom userid or name: people of one name are several."""
        query = select(StaffRecord).where(StaffRecord.active).order_by(StaffRecord.staff_no)
        people = [self._opened(record) for record in session.scalars(query)]
        exact = [person for person in people if word in (person.staff_no, person.wecom_userid)]
        return exact or [person for person in people if person.name == word]

    def is_empty(self, session: Session) -> bool:
        """True if nobody was ever imported."""
        return session.scalar(select(StaffRecord.staff_no).limit(1)) is None

    def replace_all(self, session: Session, people: Sequence[Staff]) -> tuple[int, int]:
        """The list is the truth: who is in it is active, who is not is not. Returns (stored, retired)."""
        numbers = [person.staff_no for person in people]
        retired = session.connection().execute(
            update(StaffRecord)
            .where(StaffRecord.staff_no.not_in(numbers), StaffRecord.active)
            .values(active=False, wecom_userid="")
        )
        for person in people:
            session.merge(self._sealed(person))
        return len(people), retired.rowcount

    def _sealed(self, person: Staff) -> StaffRecord:
        row = f"staff:{person.staff_no}"
        return StaffRecord(
            staff_no=person.staff_no,
            role=person.role.value,
            college=person.college,
            wecom_userid=person.wecom_userid,
            name=self._cipher.seal(person.name, row=row),
            phone=self._cipher.seal(person.phone, row=row),
            email=self._cipher.seal(person.email, row=row),
            classes=list(person.classes),
            active=True,
        )

    def _opened(self, record: StaffRecord) -> Staff:
        row = f"staff:{record.staff_no}"
        return Staff(
            staff_no=record.staff_no,
            name=self._readable(record.name, row=row, otherwise=f"工号 {record.staff_no}"),
            role=Role(record.role),
            college=record.college,
            wecom_userid=record.wecom_userid,
            phone=self._readable(record.phone, row=row),
            email=self._readable(record.email, row=row),
            classes=tuple(record.classes),
        )

    def _readable(self, sealed: bytes, *, row: str, otherwise: str = "") -> str:
        """What is sealed, or `otherwise`: who is on duty is told by userid, so a lost key must not cost an alert."""
        try:
            return self._cipher.open(sealed, row=row)
        except UnreadableError:
            logger.error("staff_unreadable", row=row, mend="put the old key back into security.data_keys")  # noqa: TRY400 - it says all
            return otherwise
