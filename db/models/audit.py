"""What staff did to whom."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, BigId, BigRef
from db.models.people import User


class AuditEntry(Base):
    """One act of one member of staff, written in the transaction of the act; never changed."""

    __tablename__ = "audit_log"

    id: Mapped[BigId]
    at: Mapped[datetime]
    actor_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[str]
    detail: Mapped[dict[str, Any]]
    address: Mapped[str]

    actor: Mapped[User | None] = relationship(lazy="raise")

    __table_args__ = (
        Index("ix_audit_log_at", "at", "id"),
        Index("ix_audit_log_subject", "subject_kind", "subject_id", "at"),
        Index("ix_audit_log_actor_id", "actor_id", "at"),
    )
