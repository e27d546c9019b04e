"""The export of an incident, as data."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from api.schemas import Answer, Own
from db.states import CallState, Clock, IncidentState, Outcome, PositionSource


class PersonLine(Answer):
    """Somebody, by name and by what identifies them for good."""

    uuid: UUID
    full_name: str
    phone: str | None


class IncidentLine(Answer):
    """An incident as it stood when the export was made; the first is the one asked for."""

    id: UUID
    merged_into: UUID | None
    state: IncidentState
    outcome: Outcome | None
    region: str
    type: str
    severity: int | None
    opened_at: datetime
    device_at: datetime | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    position_at: datetime | None
    position_source: PositionSource | None
    level: int
    reports: int
    exercise: bool
    duress: bool
    signal_lost: bool
    policy_name: str
    policy: list[Any]
    repeat_s: int
    device_uid: str
    wearer: PersonLine | None
    acknowledged_by: PersonLine | None


class ReportLine(Answer):
    """One press of one device, as it was understood."""

    incident: UUID
    device_uid: str
    frame_id: str
    via: str
    type: str
    severity: int | None
    received_at: datetime
    device_at: datetime | None
    clock: Clock
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    battery_pct: int | None
    notes: list[str]


class TimelineLine(Answer):
    """What happened, when, by whom; `detail` says why, and how late it came where that was measured."""

    incident: UUID
    at: datetime
    kind: str
    by: PersonLine | None
    detail: dict[str, Any]


class CallLine(Answer):
    """One helper who was asked, and why just they."""

    id: UUID
    helper: PersonLine
    wave: int
    state: CallState
    asked_at: datetime
    until_at: datetime
    delivered_at: datetime | None
    answered_at: datetime | None
    answered_via: str | None
    en_route_at: datetime | None
    on_scene_at: datetime | None
    ended_at: datetime | None
    why: str | None
    distance_m: float | None
    eta_s: int | None
    chance: float
    terms: dict[str, Any]


class AttemptLine(Answer):
    """One attempt on one channel, and what that answered."""

    channel: str
    at: datetime
    ok: bool
    answer: str


class MessageLine(Answer):
    """One thing one person was told."""

    id: UUID
    to: str
    text: str
    created_at: datetime
    until_at: datetime
    channels: list[str]
    confirmed_at: datetime | None
    confirmed_via: str | None
    attempts: list[AttemptLine]


class FixLine(Answer):
    at: datetime
    received_at: datetime
    lat: float
    lon: float
    accuracy_m: float | None
    speed_mps: float | None
    battery_pct: int | None


class VitalsLine(Answer):
    at: datetime
    received_at: datetime
    heart_rate_bpm: int | None
    spo2_pct: int | None
    temperature_c: float | None
    worn: bool | None


class TrackLine(Answer):
    """What a device told around the incident; of all its `fixes` and `measurements`, some evenly chosen."""

    device_uid: str
    since: datetime
    until: datetime
    fixes: int
    positions: list[FixLine]
    measurements: int
    vitals: list[VitalsLine]


class ReadLine(Answer):
    """Who of the staff looked at, or touched, what stands outside the timeline."""

    at: datetime
    by: str | None
    action: str


class Export(Answer):
    """All that is known of one incident."""

    format: Literal["mayday.incident/1"] = "mayday.incident/1"
    made_at: datetime
    made_by: PersonLine
    incidents: list[IncidentLine]
    reports: list[ReportLine]
    timeline: list[TimelineLine]
    calls: list[CallLine]
    messages: list[MessageLine]
    alerts: list[AttemptLine]
    tracks: list[TrackLine]
    audit: list[ReadLine]


class Sealed(Answer):
    """An export with what shows that it was not changed."""

    export: dict[str, Any]
    sha256: str
    seal: str


class SealedIn(Own):
    """An export that somebody brings back."""

    export: dict[str, Any]
    sha256: str
    seal: str


class Verdict(Answer):
    """Whether an export is what was given out here."""

    unchanged: bool
