"""The pure rules of an incident: which moves exist, which presses are the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from db.states import Clock, IncidentState
from dispatch.errors import IllegalMove

S = IncidentState

MOVES: dict[IncidentState, frozenset[IncidentState]] = {
    S.COUNTDOWN: frozenset({S.ACTIVE, S.RESOLVED}),
    S.ACTIVE: frozenset({S.ACKNOWLEDGED, S.RESPONDING, S.RESOLVED}),
    S.ACKNOWLEDGED: frozenset({S.ACTIVE, S.RESPONDING, S.RESOLVED}),
    S.RESPONDING: frozenset({S.ACTIVE, S.ACKNOWLEDGED, S.ON_SCENE, S.RESOLVED}),
    S.ON_SCENE: frozenset({S.ACTIVE, S.ACKNOWLEDGED, S.RESPONDING, S.RESOLVED}),
    S.RESOLVED: frozenset({S.ACTIVE}),
}

SOMEBODY_GOES = frozenset({S.RESPONDING, S.ON_SCENE})
OPEN = frozenset(S) - {S.RESOLVED}
_ASKED = OPEN - {S.COUNTDOWN}
"""Of these people know."""

VERBS: dict[str, frozenset[IncidentState]] = {
    "activate": frozenset({S.COUNTDOWN}),
    "acknowledge": _ASKED,  # who goes may go before a dispatcher has looked
    "lapse": frozenset({S.ACKNOWLEDGED}),
    "reassign": frozenset({S.ACKNOWLEDGED, S.RESPONDING, S.ON_SCENE}),
    "respond": _ASKED,
    "arrive": SOMEBODY_GOES,
    "call_off": SOMEBODY_GOES,
    "resolve": OPEN,
    "reopen": frozenset({S.RESOLVED}),
    "note": frozenset(S),
    "exercise": OPEN,
    "merge": _ASKED,
}
"""What can be done to an incident in which state."""

_BY_PEOPLE = ("acknowledge", "reassign", "resolve", "reopen", "note", "exercise", "merge")
"""Which of them a desk may be told of."""

ACK_LEASE = timedelta(seconds=120)
"""How long an acknowledgement counts without another sign of the dispatcher."""

SCENE_CHECK = timedelta(minutes=30)
"""How long somebody may be on their way, or there, before the dispatchers are asked how it stands."""

RESEND_WINDOW = timedelta(hours=1)
"""How long a device without a clock may go on re-sending a press whose incident was resolved meanwhile."""

NEAR_M = 150.0
NEAR_TIME = timedelta(minutes=3)
"""Calls of several devices this near to each other, in place and time, may be of one accident."""

HIGHEST_SEVERITY = 5

MOST_WRONG_PINS = 5
PIN_PAUSE = timedelta(seconds=60)
"""After so many wrong pins, one is looked at in so long; a new call for help never waits for it."""


def check_move(current: IncidentState, wanted: IncidentState) -> None:
    """Raise IllegalMove unless the table allows it."""
    if wanted not in MOVES[current]:
        allowed = ", ".join(sorted(MOVES[current])) or "nothing"
        raise IllegalMove(f"an incident that is {current} cannot become {wanted}; it can become: {allowed}")


def check_verb(verb: str, current: IncidentState) -> None:
    """Raise IllegalMove unless the table allows it, with what is possible instead."""
    if current not in VERBS[verb]:
        possible = ", ".join(each for each in _BY_PEOPLE if current in VERBS[each])
        raise IllegalMove(f"{verb}: not while the incident is {current}; possible now: {possible}")


def is_locked_out(*, wrong: int, wrong_at: datetime | None, at: datetime) -> bool:
    """Whether pins are not looked at for now, right or wrong."""
    return wrong >= MOST_WRONG_PINS and wrong_at is not None and at < wrong_at + PIN_PAUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One call for help as a device or an app sent it."""

    frame_id: str
    type: str
    via: str
    severity: int | None = None
    device_at: datetime | None = None
    clock: Clock = Clock.ARRIVAL
    lat: float | None = None
    lon: float | None = None
    alt_m: float | None = None
    accuracy_m: float | None = None
    battery_pct: int | None = None
    hold_s: int | None = None
    exercise: bool = False
    raw: dict[str, Any] | None = None
    notes: Sequence[str] = field(default=())


def is_same_press(
    *,
    stored_device_at: datetime | None,
    stored_received_at: datetime,
    incident_open: bool,
    device_at: datetime | None,
    at: datetime,
) -> bool:
    """Whether a press is one that is stored already under the same frame id, sent again.

    Small watches count their ids from 1 at every boot. An id seen long ago must never swallow a new call
    for help: when in doubt it is a new one.
    """
    if incident_open:
        return True
    if stored_device_at is not None and device_at is not None:
        return stored_device_at == device_at
    return at - stored_received_at <= RESEND_WINDOW
