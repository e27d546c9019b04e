"""Answers that are given again when a request is sent again."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, BigRef


class KeptAnswer(Base):
    """What somebody was answered under a key of theirs, written in the transaction of the act itself."""

    __tablename__ = "kept_answers"

    user_id: Mapped[BigRef] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    route: Mapped[str] = mapped_column(primary_key=True)  # the method and the path
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]  # of what was said, to tell another request under the same key
    sealed: Mapped[str]  # the answer, which may hold a secret
    at: Mapped[datetime]

    __table_args__ = (Index("ix_kept_answers_at", "at"),)
