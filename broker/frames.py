"""One frozen model for each frame on the wire; the sources' long names are read as the same fields."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from broker.clock import Clock, resolve_time
from broker.numbers import Number
from broker.topics import AlertKind, Channel

_LONGEST_AGE_S = 30 * 86_400


def as_text(value: Any) -> Any:
    """A counter is an id as well."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# Printable, and nothing JSON would escape: an id costs the bytes it shows.
FrameId = Annotated[str, BeforeValidator(as_text), Field(pattern=r"^[!#-\[\]-~]{1,36}$")]
Latitude = Annotated[float, Number(-90, 90)]
Longitude = Annotated[float, Number(-180, 180)]
# Ten centimetres are enough to find somebody, and seventeen digits would fill the packet.
_SHORT = PlainSerializer(lambda degrees: round(degrees, 6), return_type=float)
ShortLatitude = Annotated[Latitude, _SHORT]
ShortLongitude = Annotated[Longitude, _SHORT]
Metres = Annotated[float, Number(-1_000, 100_000)]
Accuracy = Annotated[float, Number(0, 1_000_000)]
Speed = Annotated[float, Number(0, 400)]
Direction = Annotated[float, Number(0, 360)]
Percent = Annotated[int, Number(0, 100, whole=True)]
Age = Annotated[float, Number(0, _LONGEST_AGE_S)]
Counter = Annotated[int, Number(0, 2**53, whole=True)]
SmallCounter = Annotated[int, Number(0, 2**31 - 1, whole=True)]
SmallTime = Annotated[int, Number(0, 2**33, whole=True)]
# Any value may stand here: a clock that talks nonsense must not cost the frame.
DeviceTime = Annotated[
    Any, WithJsonSchema({"type": ["number", "string"], "description": "seconds, milliseconds or ISO 8601"})
]


def _named(*names: str, default: Any = None) -> Any:
    return Field(default=default, validation_alias=AliasChoices(*names))


class Frame(BaseModel):
    """What one PUBLISH carries, or one item of its array."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class UpFrame(Frame):
    """Sent by a device."""

    channel: ClassVar[Channel]

    id: FrameId | None = None
    ts: DeviceTime = _named("ts", "timestamp", "time")
    age: Age | None = None

    def time(self, received_at: datetime, *, buffered: bool = False) -> tuple[datetime, Clock]:
        """When it happened, by the device's clock as far as that is to be believed."""
        return resolve_time(self.ts, self.age, received_at, buffered=buffered)


class SosType(StrEnum):
    """What the sources and the field know; a device may say something else, and is heard as well."""

    BUTTON = "button"
    FALL = "fall"
    CRASH = "crash"
    HEART = "heart"
    IMMOBILE = "immobile"
    MANUAL = "manual"
    OTHER = "other"


_TYPES = {kind.value: kind.value for kind in SosType} | {
    word: kind.value
    for kind, words in {
        SosType.BUTTON: "sos panic help press pressed sos_button panic_button button_press button_pressed",
        SosType.FALL: "fallen falling fall_down falldown hard_fall",
        SosType.CRASH: "car_crash accident collision impact",
        SosType.HEART: "hr heart_rate heartrate high_heart_rate low_heart_rate cardiac afib heart_attack",
        SosType.IMMOBILE: "immobility inactivity inactive no_motion no_movement",
        SosType.MANUAL: "user manual_trigger app",
        SosType.OTHER: "unknown none",
    }.items()
    for word in words.split()
}
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


def _read_type(value: Any) -> str:
    """Ours where it is known, else the device's own word: a type never refuses a call."""
    if not isinstance(value, str):
        return SosType.OTHER.value
    word = _NOT_A_WORD.sub("_", value.lower()).strip("_")[:32]
    return _TYPES.get(word) or _TYPES.get(word.removesuffix("_detected")) or word or SosType.OTHER.value


SosWord = Annotated[str, BeforeValidator(_read_type)]


class SosFrame(UpFrame):
    """A wearer pressed SOS, or the watch felt a fall; may be sent again until acknowledged."""

    channel: ClassVar = Channel.SOS

    id: FrameId
    type: Annotated[str, BeforeValidator(_read_type)] = _named(
        "type", "detected_type", default=SosType.BUTTON.value
    )
    sev: Annotated[int, Number(1, 5, whole=True)] | None = _named("sev", "severity")
    lat: Latitude | None = _named("lat", "latitude")
    lon: Longitude | None = _named("lon", "lng", "longitude")
    alt: Metres | None = _named("alt", "altitude")
    acc: Accuracy | None = _named("acc", "accuracy")
    bat: Percent | None = _named("bat", "battery_level", "battery")
    hold: Annotated[int, Number(1, 120, whole=True)] | None = None
    cancel: bool = False
    pin: Annotated[str, BeforeValidator(as_text), Field(min_length=1, max_length=16)] | None = None
    raw: dict[str, Any] | None = _named("raw", "raw_payload")

    @model_validator(mode="after")
    def _check_position(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            raise ValueError("lat and lon come as a pair")
        _refuse_no_fix(self.lat, self.lon)
        return self


class PosFrame(UpFrame):
    """Where a device is, or was."""

    channel: ClassVar = Channel.POS

    lat: Latitude = _named("lat", "latitude", default=...)
    lon: Longitude = _named("lon", "lng", "longitude", default=...)
    seq: Counter | None = None
    alt: Metres | None = _named("alt", "altitude")
    acc: Accuracy | None = _named("acc", "accuracy")
    spd: Speed | None = _named("spd", "speed")
    dir: Direction | None = _named("dir", "direction", "heading", "course")
    bat: Percent | None = _named("bat", "battery_level", "battery")

    @model_validator(mode="after")
    def _check_position(self) -> Self:
        _refuse_no_fix(self.lat, self.lon)
        return self


def _refuse_no_fix(lat: float | None, lon: float | None) -> None:
    # Receivers without a fix say 0, 0; nobody is sent to the Gulf of Guinea for that.
    if lat == 0 and lon == 0:
        raise ValueError("lat and lon: 0, 0 is no fix")


class VitalsFrame(UpFrame):
    """What a watch feels."""

    channel: ClassVar = Channel.VITALS

    seq: Counter | None = None
    hr: Annotated[int, Number(0, 350, whole=True)] | None = _named("hr", "heart_rate")
    spo2: Percent | None = _named("spo2", "blood_oxygen")
    temp: Annotated[float, Number(-40, 85)] | None = _named("temp", "temperature")
    steps: SmallCounter | None = None
    bat: Percent | None = _named("bat", "battery_level", "battery")
    worn: bool | None = None


class StatusFrame(UpFrame):
    """Whether a device is there; retained, and left with the broker as the Will."""

    channel: ClassVar = Channel.STATUS

    s: Literal["online", "offline", "sleeping"] = _named("s", "status", default=...)
    fw: Annotated[str, Field(max_length=64)] | None = _named("fw", "firmware")
    boot: SmallCounter | None = None
    bat: Percent | None = _named("bat", "battery_level", "battery")
    via: Annotated[str, Field(max_length=16)] | None = _named("via", "last_seen_via")
    login: SmallCounter | None = None


class ReplyFrame(UpFrame):
    """The answer to the command or offer of this id; to a message, that its person has it."""

    channel: ClassVar = Channel.REPLY

    id: FrameId
    ok: bool
    eta: Annotated[int, Number(0, 86_400, whole=True)] | None = None
    why: Annotated[str, Field(max_length=120)] | None = _named("why", "reason")


class DownFrame(Frame):
    """Sent to a device; `elastic` names the text that is cut where a watch could not take the packet."""

    channel: ClassVar[Channel]
    elastic: ClassVar[str | None] = None


class AckFrame(DownFrame):
    """The server has stored the frame of this id, or says why not."""

    channel: ClassVar = Channel.ACK
    elastic: ClassVar = "err"

    id: FrameId
    ok: bool
    sos: UUID | None = None
    dup: bool | None = None
    err: str | None = None


class StateFrame(DownFrame):
    """What becomes of the SOS that this device sent under this id."""

    channel: ClassVar = Channel.STATE
    elastic: ClassVar = "who"

    id: FrameId
    s: Literal["countdown", "active", "acknowledged", "responding", "on_scene", "resolved"]
    eta: Annotated[int, Number(0, 86_400, whole=True)] | None = None
    who: str | None = None


class OfferFrame(DownFrame):
    """Somebody is asked to come, and has until the deadline to say so."""

    channel: ClassVar = Channel.OFFER
    elastic: ClassVar = "text"

    id: FrameId
    kind: Literal["order", "sos"]
    until: SmallTime
    lat: ShortLatitude | None = None
    lon: ShortLongitude | None = None
    dist: Annotated[int, Number(0, 10_000_000, whole=True)] | None = None
    svc: Literal["tow", "repair", "ride"] | None = None
    fee: Counter | None = None
    cur: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    text: str | None = None


class CmdFrame(DownFrame):
    """Something for the device to do now, once; not after `until`."""

    channel: ClassVar = Channel.CMD
    elastic: ClassVar = "text"

    id: FrameId
    do: Literal["locate", "report", "ring", "message"]
    until: SmallTime | None = None
    every: Annotated[int, Number(1, 86_400, whole=True)] | None = None
    span: Annotated[int, Number(1, 86_400, whole=True)] | None = None
    text: str | None = None


class ConfigFrame(DownFrame):
    """How often to report, in seconds: at rest, on the move, in an SOS; `batch` is samples a message."""

    channel: ClassVar = Channel.CONFIG

    version: SmallCounter
    rest: Annotated[int, Number(1, 86_400, whole=True)] | None = None
    move: Annotated[int, Number(1, 86_400, whole=True)] | None = None
    alarm: Annotated[int, Number(1, 3_600, whole=True)] | None = None
    batch: Annotated[int, Number(1, 200, whole=True)] | None = None


FRAMES: dict[Channel, type[UpFrame] | type[DownFrame]] = {
    frame.channel: frame
    for frame in (
        *(SosFrame, PosFrame, VitalsFrame, StatusFrame, ReplyFrame),
        *(AckFrame, StateFrame, OfferFrame, CmdFrame, ConfigFrame),
    )
}


class AlertFrame(Frame):
    """An incident as dispatchers see it: as it stands, never a change of it."""

    kind: ClassVar = AlertKind.SOS

    incident: UUID
    revision: int
    state: str
    type: str
    sev: int | None = None
    region: str
    exercise: bool = False
    canary: bool = False
    duress: bool = False
    signal_lost: bool = False
    merged_into: UUID | None = None
    uid: str
    name: str | None = None
    phone: str | None = None
    lat: float | None = None
    lon: float | None = None
    acc: float | None = None
    alt: float | None = None
    position_at: datetime | None = None
    position_source: str | None = None
    bat: int | None = None
    device_at: datetime | None = None
    received_at: datetime | None = None
    opened_at: datetime
    level: int = 0
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    cancel_asked_at: datetime | None = None
    who: str | None = None
    eta: int | None = None
    next: str | None = None
    next_whom: list[str] | None = None
    next_at: datetime | None = None
    guardian: str | None = None
    guardian_said: str | None = None
    guardian_at: datetime | None = None
    reports: int = 1


class OrderAlertFrame(Frame):
    """An order that needs a person."""

    kind: ClassVar = AlertKind.ORDER

    order: UUID
    number: int
    revision: int
    state: str
    region: str
    service: str
    since: datetime
    scheduled_at: datetime | None = None
    lat: float
    lon: float
    address: str | None = None
    needs: list[str] | None = None
    asked: int = 0
    text: str | None = None


class SystemAlertFrame(Frame):
    """The chain itself is ill."""

    kind: ClassVar = AlertKind.SYSTEM

    what: str
    region: str
    since: datetime
    text: str


ALERT_FRAMES: dict[AlertKind, type[AlertFrame] | type[OrderAlertFrame] | type[SystemAlertFrame]] = {
    frame.kind: frame for frame in (AlertFrame, OrderAlertFrame, SystemAlertFrame)
}
