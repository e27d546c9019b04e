"""What a lane hands over to be stored, as plain rows; their fields are named like the columns they fill."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from db.states import Presence


class PositionRow(NamedTuple):
    """A fix."""

    device_id: int
    at: datetime
    seq: int
    received_at: datetime
    clock: int
    battery_pct: int | None
    lat: float
    lon: float
    alt_m: float | None
    accuracy_m: float | None
    speed_mps: float | None
    direction_deg: float | None


class VitalsRow(NamedTuple):
    """What the body told the watch."""

    device_id: int
    at: datetime
    seq: int
    received_at: datetime
    clock: int
    battery_pct: int | None
    heart_rate_bpm: int | None
    spo2_pct: int | None
    temperature_c: float | None
    steps: int | None
    worn: bool | None


class PresenceRow(NamedTuple):
    """A device came, went or fell asleep; the time is the server's, for a Will is written before its time."""

    device_id: int
    at: datetime
    battery_pct: int | None
    presence: Presence | None  # none: it was heard, and said nothing of this
    boot: int | None
    firmware: str | None
    via: str | None
    login: int | None = None

    def supersedes(self, known: "PresenceRow") -> bool:
        """Whether this is news: the late Will of an earlier boot is none, the device has come again since."""
        if self.at < known.at:
            return False
        if self.presence is Presence.ONLINE or self.boot is None or known.boot is None:
            return True
        return self.boot >= known.boot


class RefusedRow(NamedTuple):
    """What could not be read, with the reason."""

    received_at: datetime
    lane: str
    topic: str
    uid: str | None
    reason: str
    payload: bytes
    text: str | None


@dataclass(slots=True)
class Batch:
    """What one transaction is to store; the doubtful may be stored already, under another time."""

    positions: list[PositionRow] = field(default_factory=list)
    vitals: list[VitalsRow] = field(default_factory=list)
    presences: list[PresenceRow] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    doubtful_positions: list[PositionRow] = field(default_factory=list)
    doubtful_vitals: list[VitalsRow] = field(default_factory=list)
    phones: Set[int] | None = None
    """Which devices are carried by people who may be sent to somebody; none: nobody has looked yet."""


Sample = TypeVar("Sample", PositionRow, VitalsRow)


@dataclass(slots=True)
class Newest:
    """The latest that a batch says of one device."""

    device_id: int
    position: PositionRow | None = None
    vitals: VitalsRow | None = None
    battery: PositionRow | VitalsRow | PresenceRow | None = None
    presence: PresenceRow | None = None

    @property
    def seen_at(self) -> datetime:
        """When the server heard of it."""
        heard = [row.received_at for row in (self.position, self.vitals) if row]
        return max(heard + ([self.presence.at] if self.presence else []))


def newest_of(
    positions: Sequence[PositionRow], vitals: Sequence[VitalsRow], presences: Sequence[PresenceRow]
) -> list[Newest]:
    """What is worth keeping at hand of each device, by device; of the same moment the later sample counts."""
    fixes, bodies = _latest(positions), _latest(vitals)
    devices = {
        device_id: Newest(device_id, fixes.get(device_id), bodies.get(device_id))
        for device_id in fixes.keys() | bodies.keys() | {row.device_id for row in presences}
    }
    for presence in presences:
        device = devices[presence.device_id]
        device.presence = _after(device.presence, presence)
    charges: list[PositionRow | VitalsRow | PresenceRow] = [
        *_latest_charge(positions, fixes),
        *_latest_charge(vitals, bodies),
        *presences,
    ]
    for row in charges:
        device = devices[row.device_id]
        if row.battery_pct is not None and (device.battery is None or device.battery.at <= row.at):
            device.battery = row
    return [devices[device_id] for device_id in sorted(devices)]


def _latest(rows: Iterable[Sample]) -> dict[int, Sample]:
    latest: dict[int, Sample] = {}
    for row in rows:
        known = latest.get(row.device_id)
        if known is None or known.at <= row.at:
            latest[row.device_id] = row
    return latest


def _latest_charge(rows: Sequence[Sample], latest: dict[int, Sample]) -> Iterable[Sample]:
    """The latest rows that tell the battery: mostly the latest of all, and the others need no look."""
    if all(row.battery_pct is not None for row in latest.values()):
        return latest.values()
    return _latest(row for row in rows if row.battery_pct is not None).values()


def _after(known: PresenceRow | None, said: PresenceRow) -> PresenceRow:
    if known is None:
        return said
    if not said.supersedes(known):
        return known
    return said._replace(
        presence=said.presence or known.presence,
        login=known.login if said.login is None else said.login,
        boot=known.boot if said.boot is None else said.boot,
        firmware=said.firmware or known.firmware,
        via=said.via or known.via,
    )
