"""Tables of contacts and their preferences, of the students' profiles, and of how both are bound together."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime, sealed_for


class ContactRecord(Base):
    """One openid or userid that has written to us or follows us.

    The window counts what the platform still allows: `window_allowance` messages from `window_opened_at` on, of
    which `window_used` are gone.
    """

    __tablename__ = "contacts"

    contact: Mapped[str] = mapped_column(String(80), primary_key=True)
    source: Mapped[str] = mapped_column(String(10))
    following: Mapped[bool] = mapped_column(default=True)
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    window_closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    window_allowance: Mapped[int] = mapped_column(default=0)
    window_used: Mapped[int] = mapped_column(default=0)


class OptOutRecord(Base):
    """A topic of reminders that a student does not want. Absence means that they want it."""

    __tablename__ = "opt_outs"

    contact: Mapped[str] = mapped_column(
        String(80), ForeignKey("contacts.contact", ondelete="CASCADE"), primary_key=True
    )
    topic: Mapped[str] = mapped_column(String(20), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class StudentRecord(Base):
    """One student of the school's list. Name and phone are sealed for the student number; the rest is for segments.

    `contact` is the openid of the one phone that is bound, or nothing. What is not known is empty, or None where it
    is a yes or a no.
    """

    __tablename__ = "students"

    student_no: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("students:{student_no}:name"))
    phone: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("students:{student_no}:phone"))
    college: Mapped[str] = mapped_column(String(80), index=True)
    class_name: Mapped[str] = mapped_column(String(80), default="")
    degree: Mapped[str] = mapped_column(String(10), default="")
    politics: Mapped[str] = mapped_column(String(10), default="")
    hukou_here: Mapped[bool | None] = mapped_column(default=None)
    has_loan: Mapped[bool | None] = mapped_column(default=None)
    dorm: Mapped[str] = mapped_column(String(80), default="")
    destination: Mapped[str] = mapped_column(String(10), default="")
    extended: Mapped[bool | None] = mapped_column(default=None)
    contact: Mapped[str | None] = mapped_column(String(80), unique=True, default=None)
    bound_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StudentTagRecord(Base):
    """A word that the school has put on a student, to choose by it."""

    __tablename__ = "student_tags"

    student_no: Mapped[str] = mapped_column(
        String(40), ForeignKey("students.student_no", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(String(20), primary_key=True, index=True)


class BindingCodeRecord(Base):
    """A one-time code that the college hands to one student: at most one for each.

    The first characters of the code, the handle, find the row; of the rest only a keyed hash is here. Wrong tries
    are counted, and too many of them make the code useless.
    """

    __tablename__ = "binding_codes"

    handle: Mapped[str] = mapped_column(String(8), primary_key=True)
    student_no: Mapped[str] = mapped_column(
        String(40), ForeignKey("students.student_no", ondelete="CASCADE"), unique=True
    )
    secret_hash: Mapped[str] = mapped_column(String(64))
    wrong_tries: Mapped[int] = mapped_column(default=0)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class BindingTriesRecord(Base):
    """How often a contact has lately sent a code that was wrong, and until when it may send none."""

    __tablename__ = "binding_tries"

    contact: Mapped[str] = mapped_column(String(80), primary_key=True)
    wrong: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class ErasureRecord(Base):
    """A student has asked that what they wrote is deleted; the row goes when nothing of it is left."""

    __tablename__ = "erasures"

    contact: Mapped[str] = mapped_column(String(80), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SubscriptionRecord(Base):
    """How often a student has allowed one more message of a template (`granted`), and how many were sent (`spent`)."""

    __tablename__ = "subscriptions"

    contact: Mapped[str] = mapped_column(
        String(80), ForeignKey("contacts.contact", ondelete="CASCADE"), primary_key=True
    )
    template: Mapped[str] = mapped_column(String(80), primary_key=True)
    granted: Mapped[int] = mapped_column(default=0)
    spent: Mapped[int] = mapped_column(default=0)
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
