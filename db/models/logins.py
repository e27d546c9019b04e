"""Other ways to show who one is than a password."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, BigRef


class ApiToken(Base):
    """A token without an end, kept as its hash; good until it is revoked."""

    __tablename__ = "api_tokens"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    issued_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Identity(Base):
    """Who a person is to somebody else who logs people in, such as Google."""

    __tablename__ = "identities"

    provider: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)  # theirs, and never given to another
    user_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    linked_at: Mapped[datetime]
