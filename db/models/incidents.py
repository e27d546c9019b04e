"""A call for help and all that is known of it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, BigId, BigRef, Real, Small, words
from db.models.devices import Device
from db.models.people import User
from db.states import Clock, IncidentState, Outcome, PositionSource


class Incident(Base):
    """One call for help, from the first press until a person resolves it; only `dispatch` moves its state."""

    __tablename__ = "incidents"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    device_id: Mapped[BigRef] = mapped_column(ForeignKey("devices.id"))
    wearer_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"), index=True)
    region: Mapped[str] = mapped_column(ForeignKey("regions.slug"))
    state: Mapped[IncidentState] = mapped_column(words(IncidentState))
    outcome: Mapped[Outcome | None] = mapped_column(words(Outcome))
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change

    type: Mapped[str]
    severity: Mapped[Small | None]
    device_at: Mapped[datetime | None]  # the device's own time of the press
    opened_at: Mapped[datetime]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    alt_m: Mapped[Real | None]
    accuracy_m: Mapped[Real | None]
    position_at: Mapped[datetime | None]
    position_source: Mapped[PositionSource | None] = mapped_column(words(PositionSource))
    battery_pct: Mapped[Small | None]

    policy: Mapped[list[Any]] = mapped_column(JSONB)  # its steps, frozen when the incident opened
    policy_name: Mapped[str] = mapped_column(default="default", server_default="default")
    repeat_s: Mapped[int] = mapped_column(
        default=60, server_default="60"
    )  # how often its last step comes again
    level: Mapped[Small] = mapped_column(default=0)  # how far along it the escalation has gone
    reports: Mapped[int] = mapped_column(default=1)
    acknowledged_by_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"))
    acknowledged_at: Mapped[datetime | None]
    resolved_by_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"))
    resolved_at: Mapped[datetime | None]
    cancel_asked_at: Mapped[datetime | None]  # the wearer asked to cancel; a person decides
    signal_lost: Mapped[bool] = mapped_column(default=False)
    exercise: Mapped[bool] = mapped_column(default=False)
    duress: Mapped[bool] = mapped_column(default=False)
    canary: Mapped[bool] = mapped_column(default=False, server_default=false())  # the chain tries itself
    merged_into_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("incidents.id"))
    # What its wearer is shown in place of what is true, since a duress pin.
    shown: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    device: Mapped[Device] = relationship(lazy="raise")
    wearer: Mapped[User | None] = relationship(lazy="raise", foreign_keys=wearer_id)
    acknowledged_by: Mapped[User | None] = relationship(lazy="raise", foreign_keys=acknowledged_by_id)
    merged_into: Mapped["Incident | None"] = relationship(lazy="raise", remote_side="Incident.id")

    __table_args__ = (
        Index(
            "uq_incidents_open_device",
            "device_id",
            unique=True,
            postgresql_where=text("state <> 'resolved'"),
        ),
        Index("ix_incidents_open", "region", "opened_at", postgresql_where=text("state <> 'resolved'")),
        Index("ix_incidents_opened_at", "opened_at", "id"),
        Index(
            "ix_incidents_merged_into_id",
            "merged_into_id",
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
    )


class IncidentReport(Base):
    """One press of one device; a re-sent press finds itself here and gets the same answer."""

    __tablename__ = "incident_reports"

    id: Mapped[BigId]
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"))
    device_id: Mapped[BigRef] = mapped_column(ForeignKey("devices.id"))
    frame_id: Mapped[str]
    opened: Mapped[bool]  # this press opened the incident
    via: Mapped[str]
    type: Mapped[str]
    severity: Mapped[Small | None]
    device_at: Mapped[datetime | None]
    clock: Mapped[Small] = mapped_column(default=Clock.ARRIVAL)
    received_at: Mapped[datetime]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    alt_m: Mapped[Real | None]
    accuracy_m: Mapped[Real | None]
    battery_pct: Mapped[Small | None]
    raw: Mapped[dict[str, Any] | None]
    incident: Mapped[Incident] = relationship(lazy="raise")
    notes: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)  # fields that were dropped, and why

    __table_args__ = (
        UniqueConstraint("incident_id", "device_id", "frame_id"),
        Index("ix_incident_reports_frame", "device_id", "frame_id"),
    )


class IncidentEvent(Base):
    """One line of an incident's timeline: what, when, by whom, why."""

    __tablename__ = "incident_events"

    id: Mapped[BigId]
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    kind: Mapped[str]
    by_id: Mapped[BigRef | None] = mapped_column(
        ForeignKey("users.id")
    )  # none: the wearer's device, or the house
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)

    incident: Mapped[Incident] = relationship(lazy="raise")
    by: Mapped[User | None] = relationship(lazy="raise")

    __table_args__ = (Index("ix_incident_events_incident", "incident_id", "at", "id"),)


class MergeProposal(Base):
    """Two open incidents so near in place and time that they may be one; a person says whether they are."""

    __tablename__ = "merge_proposals"

    id: Mapped[BigId]
    incident_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("incidents.id", ondelete="CASCADE")
    )  # the older
    other_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"), index=True)
    proposed_at: Mapped[datetime]
    distance_m: Mapped[Real]
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"))
    merged: Mapped[bool | None]

    __table_args__ = (UniqueConstraint("incident_id", "other_id"),)
