"""Whether a device is there: what it said last, and how long ago. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from db.states import DeviceKind, Presence


class Seen(StrEnum):
    """A device as its owner is shown it."""

    ONLINE = "online"
    OFFLINE = "offline"
    SLEEPING = "sleeping"
    SILENT = "silent"


QUIET = {
    DeviceKind.WATCH: timedelta(minutes=15),
    DeviceKind.PHONE: timedelta(minutes=30),
    DeviceKind.TRACKER: timedelta(minutes=60),
}
"""How long a device of each kind may say nothing before it counts as silent."""

ASLEEP = timedelta(hours=12)
"""How long one that said it would sleep may."""


def seen(kind: DeviceKind, presence: Presence | None, last_seen_at: datetime | None, *, at: datetime) -> Seen:
    """What it said holds until it has been silent for too long; one never heard of is offline."""
    if last_seen_at is None or presence is Presence.OFFLINE:
        return Seen.OFFLINE
    asleep = presence is Presence.SLEEPING
    if at - last_seen_at > (ASLEEP if asleep else QUIET[kind]):
        return Seen.SILENT
    return Seen.SLEEPING if asleep else Seen.ONLINE
