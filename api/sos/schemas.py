"""Calls for help on the wire: the documented trigger, and our own view of incidents."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.paging import DEFAULT_LIMIT, Cursor, Limit
from api.schemas import Answer, Documented, Own, Storable
from db.models import Incident, IncidentEvent
from db.states import DeviceKind, IncidentState, Outcome, PositionSource


class Trigger(Documented):
    """A call for help; only `device_uid` is needed, and another field that is wrong costs itself alone."""

    device_uid: Annotated[str, Field(examples=["watch_unique_serial_001"])]
    lat: Annotated[float | None, Field(ge=-90, le=90, examples=[41.311081])] = None
    lon: Annotated[float | None, Field(ge=-180, le=180, examples=[69.240562])] = None
    altitude: Annotated[float | None, Field(examples=[500.0])] = None
    detected_type: Annotated[str | None, Field(examples=["FALL_DETECTED"])] = None
    severity: Annotated[int | None, Field(ge=1, le=5, examples=[4])] = None
    timestamp: Annotated[str | None, Field(examples=["2025-10-28T12:00:00Z"])] = None
    raw_payload: Annotated[dict[str, Any] | None, Field(examples=[{"sensor_data": "..."}])] = None


class TriggerOut(Answer):
    """The incident that the call opened, or that it was a duplicate of."""

    status: Literal["created", "duplicate"]
    event_uid: UUID


class IncidentFilter(Own):
    """Which incidents to list; newest first."""

    state: Annotated[list[IncidentState], Field(default_factory=list)]
    region: Annotated[str, Field(max_length=63), Storable] | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class Resolution(Own):
    """How an incident ended."""

    outcome: Outcome
    note: Annotated[str, Field(max_length=2_000), Storable] = ""


class DeviceRef(Answer):
    uid: str
    kind: DeviceKind
    model: str


class WearerRef(Answer):
    uuid: UUID
    full_name: str
    phone: str | None


class DeskRef(Answer):
    uuid: UUID
    full_name: str


class PlaceOut(Answer):
    """Where, and how that is known."""

    lat: float
    lon: float
    alt_m: float | None
    accuracy_m: float | None
    at: datetime | None
    source: PositionSource | None


class IncidentOut(Answer):
    """An incident as it stands."""

    id: UUID
    state: IncidentState
    outcome: Outcome | None
    revision: int
    region: str
    type: str
    severity: int | None
    opened_at: datetime
    device_at: datetime | None
    device: DeviceRef
    wearer: WearerRef | None
    place: PlaceOut | None
    battery_pct: int | None
    level: int
    reports: int
    acknowledged_by: DeskRef | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    cancel_asked_at: datetime | None
    signal_lost: bool
    exercise: bool
    duress: bool


class EventOut(Answer):
    """One line of the timeline."""

    at: datetime
    kind: str
    by: DeskRef | None
    detail: dict[str, Any]


class IncidentWithTimeline(IncidentOut):
    """An incident, and all that happened in it."""

    timeline: list[EventOut]


def incident_out(incident: Incident, *, for_desk: bool) -> IncidentOut:
    """The incident as a desk sees it, or as its wearer does: who holds a wearer's phone may be the danger."""
    return IncidentOut(**_fields(incident, for_desk=for_desk))


def incident_with_timeline(
    incident: Incident, events: list[IncidentEvent], *, for_desk: bool
) -> IncidentWithTimeline:
    """The same with its timeline; what a desk noted stays with the desk."""
    lines = [EventOut.model_validate(event) for event in events]
    if not for_desk:
        lines = [line.model_copy(update={"detail": {}}) for line in lines]
    return IncidentWithTimeline(**_fields(incident, for_desk=for_desk), timeline=lines)


_SHARED = frozenset(IncidentOut.model_fields) - {"device", "wearer", "place", "acknowledged_by", "duress"}


def _fields(incident: Incident, *, for_desk: bool) -> dict[str, Any]:
    wearer, desk = incident.wearer, incident.acknowledged_by
    return {name: getattr(incident, name) for name in _SHARED} | {
        "device": DeviceRef.model_validate(incident.device),
        "wearer": WearerRef.model_validate(wearer) if wearer else None,
        "acknowledged_by": DeskRef.model_validate(desk) if desk else None,
        "place": _place(incident),
        "duress": incident.duress and for_desk,
    }


def _place(incident: Incident) -> PlaceOut | None:
    if incident.lat is None or incident.lon is None:
        return None
    return PlaceOut(
        lat=incident.lat,
        lon=incident.lon,
        alt_m=incident.alt_m,
        accuracy_m=incident.accuracy_m,
        at=incident.position_at,
        source=incident.position_source,
    )
