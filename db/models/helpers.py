"""Those who come when somebody calls: what they can do, and each time they were asked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, false, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, BigId, BigRef, CreatedAt, PublicId, Real, Small, words
from db.models.incidents import Incident
from db.models.people import User
from db.states import CallState


class Helper(Base):
    """What is known of a person who holds the role of a helper; who told nothing yet has no row."""

    __tablename__ = "helpers"

    user_id: Mapped[BigRef] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    skills: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)  # words of states.Skill
    radius_m: Mapped[int] = mapped_column(default=3_000, server_default="3000")  # how far they go
    available: Mapped[bool] = mapped_column(default=False, server_default=false())
    regions: Mapped[list[str] | None] = mapped_column(ARRAY(String))  # where they go; none means anywhere
    created_at: Mapped[CreatedAt]


class HelperCall(Base):
    """One helper asked to come to one incident; at most one such call is open."""

    __tablename__ = "helper_calls"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"))
    helper_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id"))
    state: Mapped[CallState] = mapped_column(words(CallState), default=CallState.ALERTED)
    wave: Mapped[Small]
    asked_at: Mapped[datetime]
    until_at: Mapped[datetime]  # when silence counts as a no
    delivered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answered_via: Mapped[str | None]
    en_route_at: Mapped[datetime | None]
    on_scene_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    why: Mapped[str | None]
    distance_m: Mapped[Real | None]  # when asked
    eta_s: Mapped[int | None]
    nearest_m: Mapped[Real | None]  # the nearest they came since they accepted, to where the wearer is now
    moved_at: Mapped[datetime | None]  # when they last came nearer
    nudged_at: Mapped[datetime | None]
    chance: Mapped[Real]  # that they would accept, as it was estimated
    terms: Mapped[dict[str, Any]]  # what the score was made of
    sms_code: Mapped[str | None]  # what an answer by SMS begins with

    helper: Mapped[User] = relationship(lazy="raise")
    incident: Mapped[Incident] = relationship(lazy="raise")

    __table_args__ = (
        Index(
            "uq_helper_calls_open",
            "incident_id",
            "helper_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_helper_calls_incident", "incident_id", "id"),
        Index("ix_helper_calls_helper", "helper_id", "asked_at"),
        Index("ix_helper_calls_open", "helper_id", postgresql_where=text("ended_at IS NULL")),
    )

    @property
    def frame_id(self) -> str:
        """What it is called on the wire: short, for packets are small."""
        return f"h{self.id}"
