"""Table of staff. Names, phones and mail addresses are sealed for the staff number."""

from sqlalchemy import JSON, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, sealed_for


class StaffRecord(Base):
    """One member of staff, as imported. `active` is False for who is no longer in the list."""

    __tablename__ = "staff"

    staff_no: Mapped[str] = mapped_column(String(40), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    college: Mapped[str] = mapped_column(String(80), default="")
    wecom_userid: Mapped[str] = mapped_column(String(64), default="", index=True)
    name: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("staff:{staff_no}"))
    phone: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("staff:{staff_no}"))
    email: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("staff:{staff_no}"))
    classes: Mapped[list[str]] = mapped_column(JSON)
    active: Mapped[bool] = mapped_column(default=True)
