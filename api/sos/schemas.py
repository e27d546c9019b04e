"""Calls for help on the wire: the documented trigger, and our own view of incidents."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.paging import DEFAULT_LIMIT, Cursor, Limit
from api.schemas import Answer, Documented, Own, Storable
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
    exercise: Annotated[bool, Field(description="a drill: for dispatchers and admins")] = False


class TriggerOut(Answer):
    """The incident that the call opened, or that it was a duplicate of."""

    status: Literal["created", "duplicate"]
    event_uid: UUID


class IncidentFilter(Own):
    """Which incidents to list; newest first."""

    state: Annotated[list[IncidentState], Field(default_factory=list)]
    region: Annotated[str, Field(max_length=63), Storable] | None = None
    canary: bool = False  # those by which the house tries itself, which are not shown otherwise
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class Resolution(Own):
    """How an incident ended."""

    outcome: Outcome
    note: Annotated[str, Field(max_length=2_000), Storable] = ""


Why = Annotated[str, Field(max_length=500), Storable]


class Note(Own):
    """What a dispatcher knows or did."""

    text: Annotated[
        str, StringConstraints(strip_whitespace=True), Field(min_length=1, max_length=2_000), Storable
    ]


class Handover(Own):
    """Who is to look after an incident from now on."""

    to: Annotated[UUID, Field(description="a dispatcher or admin who watches its region")]
    why: Why = ""


class Reopening(Own):
    """Why an incident was not over."""

    why: Why = ""


class ExerciseMark(Own):
    """Whether an incident is a drill."""

    exercise: bool
    why: Why = ""


class Merging(Own):
    """Which incident is to speak for this one."""

    into: UUID


class Dismissal(Own):
    """Which incident this one has nothing to do with."""

    other: UUID


class Cancellation(Own):
    """A call taken back by its wearer."""

    pin: Annotated[str, Field(min_length=1, max_length=16), Storable] | None = None


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


class NextStep(Answer):
    """What happens next, unless a person comes before it; `whom` an escalation will ask."""

    what: Literal["countdown", "escalation", "helpers_asked", "ack_lease", "scene_check"]
    whom: list[str] | None
    due_at: datetime


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
    canary: bool
    duress: bool
    merged_into: UUID | None
    next: NextStep | None


class EventOut(Answer):
    """One line of the timeline."""

    at: datetime
    kind: str
    by: DeskRef | None
    detail: dict[str, Any]


class MergedOut(Answer):
    """Somebody else who called of the same accident."""

    incident: UUID
    state: IncidentState
    opened_at: datetime
    reports: int
    device: DeviceRef
    wearer: WearerRef | None
    place: PlaceOut | None


class ProposalOut(Answer):
    """An incident that may be of the same accident; a person says whether it is."""

    other: UUID
    distance_m: float
    proposed_at: datetime


class IncidentWithTimeline(IncidentOut):
    """An incident, and all that happened in it; of others who called a desk alone is told."""

    timeline: list[EventOut]
    merged: Annotated[list[MergedOut], Field(default_factory=list)]
    merge_proposals: Annotated[list[ProposalOut], Field(default_factory=list)]
