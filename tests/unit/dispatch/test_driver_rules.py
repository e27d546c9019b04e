"""Who may be asked to take an order."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from db.states import Need, Service
from dispatch.matching import driver_rules as rules
from dispatch.matching.driver_rules import Ability, Demand, Equipment, Readiness, Reason
from dispatch.matching.rules import FRESH

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ALL = frozenset(Service)

EQUIPMENT = some.builds(
    Equipment,
    seats=some.one_of(some.none(), some.integers(1, 8)),
    payload_kg=some.one_of(some.none(), some.integers(500, 20_000)),
    lift=some.booleans(),
    ramp=some.booleans(),
    child_seats=some.integers(0, 2),
)
DEMANDS = some.builds(
    Demand,
    service=some.sampled_from(Service),
    region=some.sampled_from(["default", "tashkent", "samarkand"]),
    needs=some.frozensets(some.sampled_from(Need)),
    seats=some.integers(1, 8),
    weight_kg=some.integers(0, 20_000),
)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"online": False}, Reason.NOT_ONLINE),
        ({"place_at": NOON - FRESH - timedelta(seconds=1)}, Reason.PLACE_TOO_OLD),
        ({"place_at": None}, Reason.PLACE_TOO_OLD),
        ({"active": False}, Reason.ACCOUNT_BLOCKED),
        ({"is_driver": False}, Reason.NO_DRIVER),
        ({"licence_expires_on": date(2025, 12, 31)}, Reason.LICENCE_EXPIRED),
        ({"busy": True}, Reason.ON_ANOTHER_ORDER),
        ({"offer_open": True}, Reason.OFFER_OPEN),
    ],
)
def test_what_speaks_against_a_driver_is_named(said: dict[str, object], reason: Reason) -> None:
    who = Readiness(**({"place_at": NOON} | said))  # type: ignore[arg-type]
    assert rules.find_unready(who, at=NOON) == [reason]


def test_who_says_where_they_are_can_be_reached_and_who_is_silent_only_by_an_app_that_is_called() -> None:
    silent = Readiness(place_at=NOON - timedelta(hours=1), has_app=False)
    assert rules.find_unready(silent, at=NOON) == [Reason.PLACE_TOO_OLD, Reason.CANNOT_BE_REACHED]
    assert rules.find_unready(Readiness(place_at=NOON, has_app=False), at=NOON) == []


def test_nothing_speaks_against_who_is_ready_nor_against_a_licence_on_its_last_day() -> None:
    assert rules.find_unready(Readiness(place_at=NOON, licence_expires_on=NOON.date()), at=NOON) == []


@pytest.mark.parametrize(
    ("demand", "equipment", "reasons"),
    [
        (Demand("ride", "default", seats=5), Equipment(), [Reason.TOO_FEW_SEATS]),
        (Demand("ride", "default", seats=5), Equipment(seats=6), []),
        (Demand("ride", "default", frozenset({"lift", "ramp"})), Equipment(lift=True), [Reason.NO_RAMP]),
        (Demand("ride", "default", frozenset({"lift"})), Equipment(ramp=True), [Reason.NO_LIFT]),
        (Demand("ride", "default", frozenset({"child_seat"})), Equipment(), [Reason.NO_CHILD_SEAT]),
        (Demand("ride", "default", frozenset({"child_seat"})), Equipment(child_seats=1), []),
        (Demand("ride", "default", frozenset({"escort"})), Equipment(), []),
        (Demand("tow", "default", weight_kg=3_500), Equipment(payload_kg=3_000), [Reason.TOO_HEAVY]),
        (Demand("tow", "default", weight_kg=1_600), Equipment(), []),
        (Demand("tow", "default", weight_kg=9_000), Equipment(), [Reason.TOO_HEAVY]),
        (Demand("tow", "default"), None, [Reason.NO_VEHICLE]),
        (Demand("repair", "default"), None, []),
    ],
)
def test_what_a_vehicle_cannot_do_is_named(
    demand: Demand, equipment: Equipment | None, reasons: list[Reason]
) -> None:
    assert rules.find_unable(demand, Ability(ALL, equipment=equipment)) == reasons


def test_a_driver_is_asked_for_their_services_in_their_regions_and_for_what_lies_in_none() -> None:
    demand = Demand("tow", "samarkand")
    assert rules.find_unable(demand, Ability(frozenset({"ride"}))) == [Reason.OTHER_SERVICE]
    assert rules.find_unable(demand, Ability(ALL, frozenset({"tashkent"}))) == [Reason.OTHER_REGION]
    assert rules.find_unable(demand, Ability(ALL, frozenset({"samarkand"}))) == []
    assert rules.find_unable(Demand("tow", "default"), Ability(ALL, frozenset({"tashkent"}))) == []


@given(DEMANDS, EQUIPMENT)
def test_better_equipment_never_speaks_against_anybody(demand: Demand, has: Equipment) -> None:
    better = Equipment(seats=50, payload_kg=50_000, lift=True, ramp=True, child_seats=4)
    worse = set(rules.find_unable(demand, Ability(ALL, equipment=has)))
    assert set(rules.find_unable(demand, Ability(ALL, equipment=better))) <= worse


@given(DEMANDS, EQUIPMENT)
def test_who_needs_more_finds_no_more_drivers(demand: Demand, has: Equipment) -> None:
    more = Demand(
        demand.service,
        demand.region,
        demand.needs | {Need.LIFT},
        demand.seats + 1,
        demand.weight_kg + 1_000,
    )
    who = Ability(ALL, equipment=has)
    assert set(rules.find_unable(demand, who)) <= set(rules.find_unable(more, who))


@pytest.mark.parametrize(
    ("said", "reasons"),
    [
        ({"distance_m": rules.REACH_M + 1.0}, [Reason.TOO_FAR]),
        ({"distance_m": None}, []),  # the place that is missing is told by itself
        ({"asked": True}, [Reason.ASKED_ALREADY]),
        ({"is_customer": True}, [Reason.IS_THE_CUSTOMER]),
        ({}, []),
    ],
)
def test_what_speaks_against_this_driver_for_this_order_is_named(
    said: dict[str, object], reasons: list[Reason]
) -> None:
    known: dict[str, object] = {"distance_m": 500.0, "asked": False, "is_customer": False}
    assert rules.find_unfit(**(known | said)) == reasons  # type: ignore[arg-type]


def test_a_person_is_asked_at_once_where_nobody_could_come_and_later_where_all_are_busy() -> None:
    assert rules.needs_a_person(anybody_able=False, waited=timedelta(0))
    assert not rules.needs_a_person(anybody_able=True, waited=rules.PATIENCE)
    assert rules.needs_a_person(anybody_able=True, waited=rules.PATIENCE + timedelta(seconds=1))
