"""The pure rules of an order: who may move it where, and when a word of somebody's is believed."""

from datetime import datetime, timedelta
from enum import StrEnum

from db.states import OfferState, OrderState, Party
from dispatch.errors import Forbidden, IllegalMove

S = OrderState
P = Party

_CUSTOMER, _DRIVER, _DESK, _HOUSE = P.CUSTOMER, P.DRIVER, P.DISPATCHER, P.HOUSE

MOVES: dict[OrderState, dict[OrderState, frozenset[Party]]] = {
    S.REQUESTED: {
        S.OFFERED: frozenset({_HOUSE}),
        S.UNASSIGNED: frozenset({_HOUSE}),
        S.ACCEPTED: frozenset({_DESK}),
        S.CANCELLED: frozenset({_CUSTOMER, _DESK}),
    },
    S.OFFERED: {
        S.REQUESTED: frozenset({_DRIVER, _HOUSE}),  # who was asked has said no, or nothing
        S.UNASSIGNED: frozenset({_HOUSE}),
        S.ACCEPTED: frozenset({_DRIVER, _DESK}),
        S.CANCELLED: frozenset({_CUSTOMER, _DESK}),
    },
    S.UNASSIGNED: {
        S.OFFERED: frozenset({_HOUSE}),
        S.ACCEPTED: frozenset({_DESK}),
        S.CANCELLED: frozenset({_CUSTOMER, _DESK}),
    },
    S.ACCEPTED: {
        S.EN_ROUTE: frozenset({_DRIVER, _DESK}),
        S.REQUESTED: frozenset({_DRIVER, _DESK, _HOUSE}),
        S.CANCELLED: frozenset({_CUSTOMER, _DESK}),
    },
    S.EN_ROUTE: {
        S.ARRIVED: frozenset({_DRIVER, _DESK}),
        S.REQUESTED: frozenset({_DRIVER, _DESK, _HOUSE}),
        S.CANCELLED: frozenset({_CUSTOMER, _DESK}),
    },
    S.ARRIVED: {
        S.IN_PROGRESS: frozenset({_DRIVER, _DESK}),
        S.NO_SHOW: frozenset({_DRIVER, _DESK}),
        S.REQUESTED: frozenset({_DRIVER, _DESK}),
        S.CANCELLED: frozenset({_CUSTOMER, _DESK}),
    },
    S.IN_PROGRESS: {
        S.COMPLETED: frozenset({_DRIVER, _DESK}),
        S.CANCELLED: frozenset({_DESK}),
    },
    S.COMPLETED: {},
    S.CANCELLED: {},
    S.NO_SHOW: {},
}
"""Where an order may go from where it stands, and who may move it there.

Back to requested is to another driver.
"""

WAITING = frozenset({S.REQUESTED, S.OFFERED, S.UNASSIGNED})
"""Nobody comes yet."""

COMING = frozenset({S.ACCEPTED, S.EN_ROUTE})
TAKEN = COMING | {S.ARRIVED, S.IN_PROGRESS}
"""A driver has it, and can have no other."""

ENDED = frozenset({S.COMPLETED, S.CANCELLED, S.NO_SHOW})

WAY = (S.ACCEPTED, S.EN_ROUTE, S.ARRIVED, S.IN_PROGRESS, S.COMPLETED)
"""The way of an order that goes well."""

MOST_OPEN = 20
"""How many orders somebody may have at the same time who orders for themselves."""

ANSWER_WITHIN = timedelta(seconds=30)
"""How long a driver has for an answer; silence is a no."""

SILENT = timedelta(seconds=180)
"""A driver on the way of whom nothing was heard for so long is asked for a sign."""

SIGN_WITHIN = timedelta(seconds=60)
"""How long the sign may take before another driver is looked for."""

SEARCH_BEFORE = timedelta(minutes=30)
"""How long before the time of a scheduled order a driver is looked for."""

OFFER_MOVES: dict[OfferState, frozenset[OfferState]] = {
    OfferState.OPEN: frozenset(OfferState) - {OfferState.OPEN},
    OfferState.ACCEPTED: frozenset(),
    OfferState.DECLINED: frozenset(),
    OfferState.EXPIRED: frozenset(),
    OfferState.WITHDRAWN: frozenset(),
}


def check_move(current: OrderState, wanted: OrderState, party: Party) -> None:
    """Raise IllegalMove where the order cannot go there, Forbidden where this party cannot move it there."""
    allowed = MOVES[current]
    if wanted not in allowed:
        can = ", ".join(moves_of(current, party)) or "nothing"
        raise IllegalMove(
            f"an order that is {current} cannot become {wanted}; from here you can make it: {can}"
        )
    if party not in allowed[wanted]:
        who = " or ".join(sorted(allowed[wanted]))
        raise Forbidden(f"that an order becomes {wanted} from {current} is for the {who} to say")


def moves_of(current: OrderState, party: Party) -> list[OrderState]:
    """Where this party may move it to from here."""
    return [wanted for wanted in S if party in MOVES[current].get(wanted, ())]


def find_steps(current: OrderState, wanted: OrderState) -> list[OrderState]:
    """The states on the way from here to there, for contracts whose words leave some out."""
    if current in WAY and wanted in WAY and WAY.index(current) < WAY.index(wanted):
        return list(WAY[WAY.index(current) + 1 : WAY.index(wanted) + 1])
    return [wanted]


def search_from(scheduled_at: datetime | None, *, at: datetime) -> datetime:
    """From when a driver is looked for."""
    return at if scheduled_at is None else max(at, scheduled_at - SEARCH_BEFORE)


def waited(arrived_at: datetime | None, scheduled_at: datetime | None, *, until: datetime) -> timedelta:
    """How long a driver has waited at the pickup; who came before the time that was agreed on was early."""
    if arrived_at is None:
        return timedelta()
    agreed_at = arrived_at if scheduled_at is None else max(arrived_at, scheduled_at)
    return max(timedelta(), until - agreed_at)


_WORDS = {S.IN_PROGRESS: "started"}


def word_for(was: OrderState, wanted: OrderState, party: Party) -> str:
    """What the timeline calls a move."""
    if wanted is S.REQUESTED and was in TAKEN:
        return "given_back"
    if wanted is S.ACCEPTED and party is not P.DRIVER:
        return "assigned"
    return _WORDS.get(wanted, wanted.value)


class Silence(StrEnum):
    """What follows from hearing nothing of a driver on the way."""

    NUDGE = "nudge"
    RELEASE = "release"


def judge_silence(*, heard_at: datetime, nudged_at: datetime | None, at: datetime) -> Silence | None:
    """What is to be done of a driver who was last heard of then."""
    if at - heard_at < SILENT:
        return None
    if nudged_at is None or nudged_at < heard_at:
        return Silence.NUDGE
    return Silence.RELEASE if at - nudged_at >= SIGN_WITHIN else None
