"""What a valid sample becomes, whether a frame or a request brought it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from broker.clock import Clock as Whose
from broker.clock import resolve_time
from db.samples import Batch, PositionRow
from db.states import Clock

Said = Mapping[str, Any]
"""What a valid sample says, under the short names of its fields."""

_CLOCKS = {whose: Clock[whose.name] for whose in Whose}
_DEVICE = Clock.DEVICE


@dataclass(slots=True)
class Arrival:
    """What came at one moment, and the rows it becomes."""

    at: datetime
    batch: Batch = field(default_factory=Batch)
    times: dict[tuple[object, float | None, bool], tuple[datetime, Clock]] = field(default_factory=dict)
    timed_by_arrival: int = 0


def add_position(arrival: Arrival, said: Said, device_id: int) -> None:
    """One fix as a row; a lane builds its rows in place, for a call of its own costs it a twentieth."""
    at, clock, seq = place(arrival, said, False, 0)
    get = said.get
    row = PositionRow(
        *(device_id, at, seq, arrival.at, clock, get("bat"), said["lat"], said["lon"]),
        *(get("alt"), get("acc"), get("spd"), get("dir")),
    )
    arrival.batch.positions.append(row)


def place(arrival: Arrival, said: Said, buffered: bool, index: int) -> tuple[datetime, Clock, int]:
    """Under which time a sample is stored, whose time that is, and its number at that time."""
    ts, age = said.get("ts"), said.get("age")
    try:
        # In a delivery most samples are of the same few seconds.
        at, clock = arrival.times[ts, age, buffered]
    except (KeyError, TypeError) as unknown:
        at, whose = resolve_time(ts, age, arrival.at, buffered=buffered)
        clock = _CLOCKS[whose]
        if isinstance(unknown, KeyError):
            arrival.times[ts, age, buffered] = at, clock
    if clock is _DEVICE:
        seq = said.get("seq")
        return at, clock, _mark(said, clock, index) if seq is None else seq
    # What waited in the broker arrives all at once; a microsecond each keeps even equal samples apart.
    at += timedelta(microseconds=arrival.timed_by_arrival)
    arrival.timed_by_arrival += 1
    return at, clock, _mark(said, clock, index)


def _mark(said: Said, clock: Clock, index: int) -> int:
    """A negative number in place of a sequence number: the same for the same sample whenever it comes again.

    Under a device's own time the content tells samples apart. Where the time is that of arrival, so do
    the place in the array, the id, and what the device gave as time and sequence; not the age, which grows.
    """
    ignored = ("ts", "age", "id", "seq") if clock is _DEVICE else ("age",)
    content = sorted((name, said[name]) for name in said if name not in ignored and said[name] is not None)
    text = repr(content if clock is _DEVICE else (index, content))
    mark = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return -1 - (int.from_bytes(mark, "big") >> 1)
