"""What counts as ill, and when it is said. Pure."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.topics import DEFAULT_REGION

LOOKS = 2
"""So many looks in a row must agree before something is said to be ill, or well again."""

OVERDUE = timedelta(seconds=20)
"""How late facts, timers, alerts and what devices are told may be."""

MESSAGE_OVERDUE = timedelta(minutes=2)
MOST_ATTEMPTS = 5
"""What was tried so often waits only because it fails."""

UNANSWERED = timedelta(minutes=3)
"""How long people may be asked before it is said that nobody answers."""

REFUSED_WITHIN = timedelta(minutes=10)
LEAST_REFUSED = 3
"""A channel is ill when of its attempts in that time, so many or more, none was taken."""

NEARLY_FULL, FULL_SHARE = 20 << 30, 0.05
FULL = 1 << 30
"""Free bytes: less than so much, or than a twentieth of a disk on which it is less than twenty GiB."""

ACKNOWLEDGED_WITHIN = timedelta(seconds=2)
ALERTED_WITHIN = timedelta(seconds=5)
TELEMETRY_WITHIN = timedelta(seconds=10)
"""Of a canary call: when its device must have the answer, the dispatchers the alert, a sample its answer."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is ill, where, and in words for a person; without ages, so that it seldom changes."""

    what: str
    message: str
    region: str = DEFAULT_REGION

    @property
    def key(self) -> Key:
        return self.region, self.what


class Patience:
    """Tells what is ill for long enough to be said, and what has been well for as long."""

    def __init__(self) -> None:
        self._seen: Counter[Key] = Counter()
        self._missed: Counter[Key] = Counter()

    def judge(self, found: Collection[Key], said: Collection[Key]) -> tuple[set[Key], set[Key]]:
        """What is to be said after this look, and what taken back, of what is `said` already."""
        self._seen = Counter({key: self._seen[key] + 1 for key in found})
        self._missed = Counter({key: self._missed[key] + 1 for key in said if key not in found})
        return (
            {key for key, looks in self._seen.items() if looks >= LOOKS and key not in said},
            {key for key, looks in self._missed.items() if looks >= LOOKS},
        )


def is_nearly_full(*, free_bytes: int, total_bytes: int) -> bool:
    """Whether a disk will soon keep the database from committing."""
    return free_bytes < FULL or (free_bytes < NEARLY_FULL and free_bytes < total_bytes * FULL_SHARE)


@dataclass(frozen=True, slots=True)
class Walk:
    """How far one canary call came, and when."""

    sent_at: datetime
    acknowledged_at: datetime | None = None
    alerted_at: datetime | None = None
    telemetry_at: datetime | None = None
    failed: str | None = None  # why it did not even set out, or was refused


def trouble_of(walk: Walk) -> str | None:
    """What is wrong with the way of an SOS, judged by this call."""
    if walk.failed is not None:
        return walk.failed
    if walk.acknowledged_at is None:
        return "the device got no answer"
    if walk.alerted_at is None:
        return "acknowledged, but not on the alert topic"
    if walk.acknowledged_at - walk.sent_at > ACKNOWLEDGED_WITHIN:
        return "the answer came late"
    if walk.alerted_at - walk.sent_at > ALERTED_WITHIN:
        return "the alert came late"
    return None


def is_behind(walk: Walk) -> bool:
    """Whether telemetry is late where calls for help are not."""
    if walk.acknowledged_at is None:
        return False
    return walk.telemetry_at is None or walk.telemetry_at - walk.sent_at > TELEMETRY_WITHIN


def is_good(walk: Walk) -> bool:
    """Whether both lanes did what they are for."""
    return trouble_of(walk) is None and not is_behind(walk)


def judge_walks(newest: Sequence[Walk]) -> list[Finding]:
    """What the last calls say: one that fails may be chance, two are not."""
    last = newest[:LOOKS]
    if len(last) < LOOKS:
        return []
    found = []
    if (trouble := trouble_of(last[0])) and all(trouble_of(walk) for walk in last):
        found.append(Finding("canary", f"a canary call failed: {trouble}"))
    if all(is_behind(walk) for walk in last):
        found.append(Finding("telemetry-behind", "positions and vitals are stored late"))
    return found
