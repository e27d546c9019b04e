"""Whether a device is there, by what it said last and how long ago; how far it is with a command. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from db.states import DeviceKind, Presence


class Seen(StrEnum):
    """A device as its owner is shown it."""

    ONLINE = "online"
    OFFLINE = "offline"
    SLEEPING = "sleeping"
    SILENT = "silent"


class CommandState(StrEnum):
    """How far a device is with what it was asked."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"


QUIET = {
    DeviceKind.WATCH: timedelta(minutes=15),
    DeviceKind.PHONE: timedelta(minutes=30),
    DeviceKind.TRACKER: timedelta(minutes=60),
}
"""How long a device of each kind may say nothing where nobody told it how often to report."""

MISSED = 3
"""How many messages in a row may fail to come from one that was told."""

LEAST_PATIENCE = timedelta(minutes=5)
"""However often it was told to report: a lift, a cellar."""

MOST_PATIENCE = timedelta(days=3)
"""However seldom."""

ASLEEP = timedelta(hours=12)
"""How long one that said it would sleep may."""


def patience(kind: DeviceKind, rest_s: int | None, batch: int | None) -> timedelta:
    """How long a device may say nothing: by its profile, else as is usual for its kind."""
    if rest_s is None:
        return QUIET[kind]
    between = timedelta(seconds=rest_s * (batch or 1))
    return max(LEAST_PATIENCE, min(MOST_PATIENCE, MISSED * between))


def seen(
    presence: Presence | None, last_seen_at: datetime | None, patience: timedelta, *, at: datetime
) -> Seen:
    """What it said holds until it has been silent for too long; one never heard of is offline."""
    if last_seen_at is None or presence is Presence.OFFLINE:
        return Seen.OFFLINE
    asleep = presence is Presence.SLEEPING
    if at - last_seen_at > (max(ASLEEP, patience) if asleep else patience):
        return Seen.SILENT
    return Seen.SLEEPING if asleep else Seen.ONLINE


def command_state(ok: bool | None, expires_at: datetime, *, at: datetime) -> CommandState:
    """A reply counts whenever it comes; without one a command expires."""
    if ok is not None:
        return CommandState.DONE if ok else CommandState.REFUSED
    return CommandState.WAITING if at < expires_at else CommandState.EXPIRED
