"""Table of access tokens, shared by all processes."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime, sealed_for


class AccessTokenRecord(Base):
    """One account's access token, sealed for `key`, and who is fetching a new one right now.

    A process that dies while it fetches holds the others up only until `fetching_until`.
    """

    __tablename__ = "access_tokens"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    token: Mapped[bytes] = mapped_column(LargeBinary, info=sealed_for("access_tokens:{key}"))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    fetching_by: Mapped[str] = mapped_column(String(40), default="")
    fetching_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
