"""What the fixes and the silence of a device say during its call for help. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from db.states import Presence

FAST = timedelta(seconds=5)
FAST_SPAN = timedelta(minutes=10)
SLOW = timedelta(seconds=60)
SLOW_SPAN = timedelta(minutes=60)
"""How often a device is to report, and for how long, after which it falls back to its profile."""

SLOW_AGAIN = timedelta(minutes=55)
"""How long before the slow order is said again: before it runs out."""

LEAST_SILENCE = timedelta(seconds=30)

LEAST_GAP = timedelta(seconds=4)
"""Between two fixes that are shown: of one each five seconds, each is."""

LONGEST_GAP = timedelta(seconds=30)
"""A fix so much newer is shown though it tells no other place: it tells that the place still holds."""

UNKNOWN_ERROR_M = 30.0
"""Taken for the accuracy of a fix that does not tell it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of a device whose call is open.

    `pressed_at` is when its last press came in, `seen_at` when anything else did, `told_at` when it was last
    told to report, `every` how often.
    """

    pressed_at: datetime
    seen_at: datetime | None = None
    told_at: datetime | None = None
    every: timedelta = SLOW
    presence: Presence | None = None
    presence_at: datetime | None = None

    @property
    def at(self) -> datetime:
        """When it was last heard."""
        return self.pressed_at if self.seen_at is None else max(self.pressed_at, self.seen_at)

    @property
    def is_gone(self) -> bool:
        """Whether its Will speaks for it since: what came with the Will itself is no sign of it."""
        if self.presence is not Presence.OFFLINE or self.presence_at is None:
            return False
        return self.presence_at > self.pressed_at and (self.seen_at or self.presence_at) <= self.presence_at


def longest_silence(every: timedelta) -> timedelta:
    """How long a device that reports so often may say nothing: two reports may be lost on their way."""
    return max(3 * every, LEAST_SILENCE)


def is_lost(heard: Heard, *, was_lost: bool, at: datetime) -> bool:
    """Whether nothing is heard of a device any more; what it is told is no sign that it is there."""
    if heard.is_gone:
        return True
    since = heard.at
    if not was_lost and heard.told_at is not None:
        since = max(since, heard.told_at)  # it had no reason to report so often before
    return at - since > longest_silence(heard.every)


def is_worth_showing(
    *, known_at: datetime | None, fix_at: datetime, moved_m: float | None, accuracy_m: float | None
) -> bool:
    """Whether a newer fix is to replace the place that is shown."""
    if known_at is None or moved_m is None:
        return True
    gap = fix_at - known_at  # below zero where the press is the newer
    if gap >= LONGEST_GAP:
        return True
    return gap >= LEAST_GAP and moved_m > (UNKNOWN_ERROR_M if accuracy_m is None else accuracy_m)
