"""What time it was at the device: its clock is heard, and believed within bounds."""

import math
from datetime import UTC, datetime, timedelta
from enum import StrEnum

OLDEST = timedelta(days=2)
OLDEST_BUFFERED = timedelta(days=30)
AHEAD = timedelta(minutes=5)

_MILLISECONDS_FROM = 1e11  # as seconds this would be the year 5138, as milliseconds it is 1973


class Clock(StrEnum):
    """Whose time a frame is stored under."""

    DEVICE = "device"
    AGE = "age"  # arrival less the age that the device gave
    ARRIVAL = "arrival"  # the device said nothing
    MAD = "mad"  # the device said something impossible, so arrival


def resolve_time(
    ts: object, age: float | None, received_at: datetime, *, buffered: bool = False
) -> tuple[datetime, Clock]:
    """The time a frame is stored under, never outside the bounds, and whose it is; never raises."""
    oldest = received_at - (OLDEST_BUFFERED if buffered else OLDEST)
    said = read_time(ts)
    if said is not None and oldest <= said <= received_at + AHEAD:
        return said, Clock.DEVICE
    if age is not None and 0 <= age <= (received_at - oldest).total_seconds():
        return received_at - timedelta(seconds=age), Clock.AGE
    return received_at, Clock.ARRIVAL if ts is None and age is None else Clock.MAD


def read_time(ts: object) -> datetime | None:
    """Seconds, milliseconds or ISO 8601 as an aware UTC time; None for anything else."""
    if isinstance(ts, str):
        return _read_text(ts.strip())
    if isinstance(ts, bool) or not isinstance(ts, int | float):
        return None
    return _read_number(ts)


def _read_number(ts: float) -> datetime | None:
    try:
        if not math.isfinite(ts):
            return None
        return datetime.fromtimestamp(ts / 1000 if abs(ts) >= _MILLISECONDS_FROM else ts, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _read_text(ts: str) -> datetime | None:
    try:
        return _read_number(float(ts))
    except ValueError:
        pass
    try:
        said = datetime.fromisoformat(ts)
        # A device that names no zone means UTC: nothing else could be told apart.
        return said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
