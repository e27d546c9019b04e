"""Which driver may be asked to take an order, and why another may not. Pure.

What an order demands and what a driver is able to do are values: a round judges each pair of them once,
however many orders and drivers share them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from broker.topics import may_see_region
from db.states import Need, Service
from dispatch.matching.rules import FRESH

REACH_M = 20_000
"""Nobody is asked to come from farther away."""

ASK_AGAIN = timedelta(minutes=10)
"""Who let an offer lapse may have been in a tunnel: after so long they are asked a second time."""

PATIENCE = timedelta(minutes=2)
"""How long an order waits for drivers who are only busy, before a person is asked."""

USUAL_SEATS, USUAL_PAYLOAD_KG = 4, 2_500
"""What a vehicle is taken for of which nothing is said: a car for four, a truck for a car."""


class Reason(StrEnum):
    """Why a driver is not asked."""

    NO_DRIVER = "no_driver"  # the role was taken away
    ACCOUNT_BLOCKED = "account_blocked"
    NOT_ONLINE = "not_online"
    LICENCE_EXPIRED = "licence_expired"
    PLACE_TOO_OLD = "place_too_old"
    CANNOT_BE_REACHED = "cannot_be_reached"
    ON_ANOTHER_ORDER = "on_another_order"
    OFFER_OPEN = "offer_open"
    OTHER_SERVICE = "other_service"
    OTHER_REGION = "other_region"
    NO_VEHICLE = "no_vehicle"
    TOO_FEW_SEATS = "too_few_seats"
    NO_LIFT = "no_lift"
    NO_RAMP = "no_ramp"
    NO_CHILD_SEAT = "no_child_seat"
    TOO_HEAVY = "too_heavy"
    TOO_FAR = "too_far"
    ASKED_ALREADY = "asked_already"
    IS_THE_CUSTOMER = "is_the_customer"


BUSY = frozenset({Reason.ON_ANOTHER_ORDER, Reason.OFFER_OPEN})
"""What passes by itself: such a driver is soon free again."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What an order asks of whoever comes."""

    service: str
    region: str
    needs: frozenset[str] = frozenset()  # words of states.Need
    seats: int = 1
    weight_kg: int = 0  # of what is to be towed


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a driver comes with."""

    seats: int | None = None
    payload_kg: int | None = None
    lift: bool = False
    ramp: bool = False
    child_seats: int = 0


@dataclass(frozen=True, slots=True)
class Ability:
    """What a driver can be asked for."""

    services: frozenset[str]
    regions: frozenset[str] | None = None  # none means anywhere
    equipment: Equipment | None = Equipment()


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What decides whether a driver may be asked anything at all."""

    online: bool = True
    place_at: datetime | None
    is_driver: bool = True
    active: bool = True
    licence_expires_on: date | None = None
    has_app: bool = True  # one that is called: a push, or a phone of theirs on MQTT
    busy: bool = False
    offer_open: bool = False


def licence_expired(expires_on: date | None, *, at: datetime) -> bool:
    """Whether a licence is over; it is good on the day it names, and one that was never told has no end."""
    return expires_on is not None and expires_on < at.date()


def find_unready(who: Readiness, *, at: datetime) -> list[Reason]:
    """What speaks against asking a driver now, whatever the order."""
    is_fresh = who.place_at is not None and at - who.place_at <= FRESH
    against = {
        Reason.NO_DRIVER: not who.is_driver,
        Reason.ACCOUNT_BLOCKED: not who.active,
        Reason.NOT_ONLINE: not who.online,
        Reason.LICENCE_EXPIRED: licence_expired(who.licence_expires_on, at=at),
        Reason.PLACE_TOO_OLD: not is_fresh,
        # Whatever says where they are asks for offers as well.
        Reason.CANNOT_BE_REACHED: not who.has_app and not is_fresh,
        Reason.ON_ANOTHER_ORDER: who.busy,
        Reason.OFFER_OPEN: who.offer_open,
    }
    return [reason for reason, holds in against.items() if holds]


def find_unable(demand: Demand, who: Ability) -> list[Reason]:
    """What an order demands and such a driver cannot do."""
    against = {
        Reason.OTHER_SERVICE: demand.service not in who.services,
        Reason.OTHER_REGION: not may_see_region(who.regions, demand.region),
    }
    return [reason for reason, holds in against.items() if holds] + list(_lacking(demand, who.equipment))


def _lacking(demand: Demand, has: Equipment | None) -> Iterator[Reason]:
    if has is None:
        # A mechanic may come on foot, a tow or a ride may not.
        if demand.service != Service.REPAIR or demand.needs:
            yield Reason.NO_VEHICLE
        return
    seats = USUAL_SEATS if has.seats is None else has.seats
    payload_kg = USUAL_PAYLOAD_KG if has.payload_kg is None else has.payload_kg
    against = {
        Reason.TOO_FEW_SEATS: demand.service == Service.RIDE and seats < demand.seats,
        Reason.NO_LIFT: Need.LIFT in demand.needs and not has.lift,
        Reason.NO_RAMP: Need.RAMP in demand.needs and not has.ramp,
        Reason.NO_CHILD_SEAT: Need.CHILD_SEAT in demand.needs and has.child_seats < 1,
        Reason.TOO_HEAVY: demand.service == Service.TOW and payload_kg < demand.weight_kg,
    }
    yield from (reason for reason, holds in against.items() if holds)


def find_unfit(
    *, distance_m: float | None, asked: bool, is_customer: bool, reach_m: int = REACH_M
) -> list[Reason]:
    """What speaks against this driver for this one order."""
    against = {
        Reason.TOO_FAR: distance_m is not None and distance_m > reach_m,
        Reason.ASKED_ALREADY: asked,
        Reason.IS_THE_CUSTOMER: is_customer,
    }
    return [reason for reason, holds in against.items() if holds]


def needs_a_person(*, anybody_able: bool, waited: timedelta) -> bool:
    """Whether an order that found no free driver shall be looked at by somebody.

    At once where nobody could take it even if they were free; where they are only busy, after a while.
    """
    return not anybody_able or waited > PATIENCE
