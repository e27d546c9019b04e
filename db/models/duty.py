"""Whom to ask next, and who is on duty."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, BigId, BigRef, CreatedAt, PublicId, Small, words
from db.models.people import User
from db.states import DutyKind


class Policy(Base):
    """Steps of an escalation; the most particular active one that matches is frozen into an incident."""

    __tablename__ = "policies"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    name: Mapped[str] = mapped_column(unique=True)
    region: Mapped[str | None]  # none matches every region
    types: Mapped[list[str] | None] = mapped_column(ARRAY(String))  # none matches every type of SOS
    steps: Mapped[list[Any]] = mapped_column(JSONB)
    repeat_s: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"))


class Duty(Base):
    """When somebody can be woken: some hours of some days of each week, in their own time zone."""

    __tablename__ = "duties"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    user_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[DutyKind] = mapped_column(words(DutyKind))
    region: Mapped[str | None]  # none means every region they watch
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))  # 0 is Monday, of the day it begins
    from_minute: Mapped[Small]  # of the day
    to_minute: Mapped[Small]  # not after the beginning: on the next day
    timezone: Mapped[str]
    since: Mapped[date | None]
    until: Mapped[date | None]  # the last day
    created_at: Mapped[CreatedAt]

    user: Mapped[User] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("from_minute BETWEEN 0 AND 1439 AND to_minute BETWEEN 0 AND 1440", name="is_a_day"),
    )
