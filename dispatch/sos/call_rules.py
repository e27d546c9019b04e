"""The pure rules of a call to a helper: its moves, how many are enough, who is not on the way after all."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from db.states import CallState
from dispatch.errors import Conflict, IllegalMove

C = CallState

MOVES: dict[CallState, frozenset[CallState]] = {
    C.ALERTED: frozenset({C.DELIVERED, C.ACCEPTED, C.DECLINED, C.EXPIRED, C.WITHDRAWN}),
    C.DELIVERED: frozenset({C.ACCEPTED, C.DECLINED, C.EXPIRED, C.WITHDRAWN}),
    C.ACCEPTED: frozenset({C.EN_ROUTE, C.ON_SCENE, C.WITHDRAWN}),
    C.EN_ROUTE: frozenset({C.ON_SCENE, C.WITHDRAWN}),
    C.ON_SCENE: frozenset({C.DONE, C.WITHDRAWN}),
    # A yes that comes late is a yes, while somebody is needed.
    C.EXPIRED: frozenset({C.ACCEPTED}),
    C.WITHDRAWN: frozenset({C.ACCEPTED}),
    C.DECLINED: frozenset(),
    C.DONE: frozenset(),
}

ASKED = frozenset({C.ALERTED, C.DELIVERED})
"""An answer is waited for."""

ON_THE_WAY = frozenset({C.ACCEPTED, C.EN_ROUTE})
COMING = ON_THE_WAY | {C.ON_SCENE}
"""Somebody goes, or is there."""

ENOUGH = 2
"""So many go; whoever else was asked is told that it is taken care of."""

ANSWER_WITHIN = timedelta(seconds=90)
"""When silence counts as a no."""

NEXT_WAVE = timedelta(seconds=45)
"""How long a wave is waited for before more are asked; its answers still count."""

LOOK_AGAIN = timedelta(seconds=60)
"""How often it is looked whether somebody new is near, while nobody goes."""

PATIENCE = timedelta(seconds=60)
"""How long somebody who said yes may come no nearer before they are nudged, then given up."""

NEARER_M = 15.0
"""Less may be the receiver's own wavering."""

ARRIVED_M = 50.0
EXACT_M = 150.0
"""A fix that is less exact than this does not say that somebody has arrived."""

TOLD_ETA_S = 30
"""By how much the time of arrival changes before everybody is told the new one."""


class Why(StrEnum):
    """Why the house ended a call."""

    SILENT = "no answer"
    TAKEN_CARE_OF = "taken care of"
    STUCK = "came no nearer"
    OVER = "the incident is over"


ASKABLE_AGAIN = frozenset({Why.TAKEN_CARE_OF.value, Why.OVER.value, "merged"})
"""They were not needed, and have said nothing against coming."""

_BY_THE_HOUSE = ASKABLE_AGAIN | {Why.STUCK.value}


class TakenCareOf(Conflict):
    """Enough are going: this answer came too late."""

    code = "taken_care_of"

    def __init__(self) -> None:
        super().__init__("taken care of: enough people are going; thank you")


class Over(Conflict):
    """There is nobody to help any more."""

    code = "over"

    def __init__(self) -> None:
        super().__init__("it is over: nobody is needed there any more; thank you")


def check_move(current: CallState, wanted: CallState) -> None:
    """Raise IllegalMove unless the table allows it."""
    if wanted not in MOVES[current]:
        allowed = ", ".join(sorted(MOVES[current])) or "nothing"
        raise IllegalMove(f"a call that is {current} cannot become {wanted}; it can become: {allowed}")


def check_accept(current: CallState, why: str | None) -> None:
    """Raise IllegalMove where a yes cannot be taken: who said no, or turned back, is believed."""
    if current == C.DECLINED or (current == C.WITHDRAWN and why not in _BY_THE_HOUSE):
        raise IllegalMove("you said that you do not come; the dispatchers can ask you again")
    check_move(current, C.ACCEPTED)


def next_look_at(*, asked_at: datetime, until_at: datetime, at: datetime) -> datetime:
    """When to look again at calls that were asked then and wait for answers until then."""
    next_wave = asked_at + NEXT_WAVE
    return next_wave if at < next_wave < until_at else until_at


class Turn(StrEnum):
    """What follows from where somebody is who said yes."""

    ARRIVED = "arrived"
    CAME_NEARER = "came nearer"
    NUDGE = "nudge"
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnout:
    """What is known of somebody on the way."""

    moved_at: datetime  # they said yes, came nearer, or were heard
    nudged_at: datetime | None
    nearest_m: float | None
    distance_m: float | None = None  # where they are now, as far as that is known
    accuracy_m: float | None = None


def judge(turnout: Turnout, *, at: datetime) -> Turn | None:
    """Whether somebody who said yes is coming, or has come."""
    if turnout.distance_m is not None:
        if turnout.distance_m <= ARRIVED_M and (turnout.accuracy_m or 0.0) <= EXACT_M:
            return Turn.ARRIVED
        if turnout.nearest_m is None or turnout.distance_m <= turnout.nearest_m - NEARER_M:
            return Turn.CAME_NEARER
    nudged_at = turnout.nudged_at
    if nudged_at is None or nudged_at < turnout.moved_at:
        return Turn.NUDGE if at - turnout.moved_at >= PATIENCE else None
    return Turn.GIVE_UP if at - nudged_at >= PATIENCE else None


def has_set_out(state: CallState, *, was_m: float | None) -> bool:
    """Whether somebody who came nearer than they were has begun to come."""
    return state == C.ACCEPTED and was_m is not None
