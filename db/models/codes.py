"""One-time codes, kept as keyed hashes."""

import uuid
from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Small, words
from db.states import CodePurpose


class Code(Base):
    """One code that was asked for, for whomever, known here or not: its row is what the limits count."""

    __tablename__ = "codes"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    purpose: Mapped[CodePurpose] = mapped_column(words(CodePurpose))
    subject: Mapped[str]  # a phone number in E.164, or an email address in small letters
    code_hash: Mapped[str]
    address: Mapped[str]  # whence it was asked for
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[Small] = mapped_column(default=0)
    used_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_codes_subject", "subject", "created_at"),
        Index("ix_codes_address", "address", "created_at"),
        Index("ix_codes_created_at", "created_at"),
    )
