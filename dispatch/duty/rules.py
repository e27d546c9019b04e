"""When somebody is on duty, by the clock on their wall. Pure."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAY_MINUTES = 24 * 60


class Shift(Protocol):
    """Some hours of some days of each week, in a time zone."""

    @property
    def weekdays(self) -> Collection[int]: ...  # 0 is Monday, of the day it begins
    @property
    def from_minute(self) -> int: ...
    @property
    def to_minute(self) -> int: ...  # not after the beginning: on the next day
    @property
    def timezone(self) -> str: ...
    @property
    def since(self) -> date | None: ...
    @property
    def until(self) -> date | None: ...  # the last day on which it begins


def is_on_duty(shift: Shift, at: datetime) -> bool:
    """Whether a shift is on at a moment.

    Where clocks are turned, an hour that comes twice or not at all counts for whoever might be meant: of two
    shifts of which one ends when the other begins, one is always on.
    """
    zone = find_zone(shift.timezone)
    if zone is None:
        return True  # a zone that is not known any more must not let everybody sleep
    today = at.astimezone(zone).date()
    # A shift ends at most a day after the one on which it begins; a zone may skip another.
    days = (today + timedelta(days=days) for days in (1, 0, -1, -2))
    return any(_begins(shift, day) and _covers(shift, day, zone, at) for day in days)


@lru_cache(maxsize=256)
def find_zone(name: str) -> ZoneInfo | None:
    """A time zone by its name, such as Asia/Tashkent."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _begins(shift: Shift, day: date) -> bool:
    return (
        day.weekday() in shift.weekdays
        and (shift.since is None or day >= shift.since)
        and (shift.until is None or day <= shift.until)
    )


def _covers(shift: Shift, day: date, zone: ZoneInfo, at: datetime) -> bool:
    overnight = _DAY_MINUTES if shift.to_minute <= shift.from_minute else 0
    begin = min(_moments(day, shift.from_minute, zone))
    end = max(_moments(day, shift.to_minute + overnight, zone))
    return begin <= at < end


def _moments(day: date, minute: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """What a time on the wall may mean."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 - on the wall
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first, second
