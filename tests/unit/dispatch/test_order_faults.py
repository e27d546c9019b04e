"""Whose fault it is that an order ended early, and what shows that nobody was there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.states import OrderState, Party
from dispatch.orders.faults import AT_PICKUP_M, LATE, Coming, Evidence, find_fault

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ETA_S = 600
DUE = NOON + timedelta(seconds=ETA_S)


def coming(state: OrderState = OrderState.EN_ROUTE, **said: Any) -> Coming:
    usual: dict[str, Any] = {"accepted_at": NOON, "eta_s": ETA_S, "scheduled_at": None, "nudged_at": None}
    return Coming(**{"state": state} | usual | said)


def fault(coming: Coming, *, party: Party = Party.CUSTOMER, at: datetime = DUE) -> Party | None:
    return find_fault(coming, party, at=at)


def test_while_nobody_has_accepted_it_is_nobodys_fault() -> None:
    for state in (OrderState.REQUESTED, OrderState.OFFERED):
        assert fault(coming(state, accepted_at=None, eta_s=None)) is None


def test_that_nobody_was_found_is_the_houses() -> None:
    assert fault(coming(OrderState.UNASSIGNED, accepted_at=None, eta_s=None)) is Party.HOUSE


def test_a_customer_who_no_longer_wants_a_driver_who_comes_is_at_fault() -> None:
    assert fault(coming()) is Party.CUSTOMER
    assert fault(coming(), at=DUE + LATE) is Party.CUSTOMER


def test_a_driver_who_is_late_is_at_fault_until_they_are_there() -> None:
    late = DUE + LATE + timedelta(seconds=1)
    assert fault(coming(), at=late) is Party.DRIVER
    assert fault(coming(OrderState.ARRIVED), at=late) is Party.CUSTOMER


def test_a_driver_is_not_late_before_the_time_that_was_agreed_on() -> None:
    in_the_evening = NOON + timedelta(hours=6)
    scheduled = coming(scheduled_at=in_the_evening)
    assert fault(scheduled, at=in_the_evening + LATE) is Party.CUSTOMER
    assert fault(scheduled, at=in_the_evening + LATE + timedelta(seconds=1)) is Party.DRIVER


def test_a_driver_of_whom_nothing_is_heard_is_at_fault() -> None:
    assert fault(coming(nudged_at=NOON)) is Party.DRIVER


def test_without_a_reckoned_time_nobody_is_late() -> None:
    assert fault(coming(eta_s=None), at=NOON + timedelta(days=1)) is Party.CUSTOMER


@pytest.mark.parametrize("party", [Party.DISPATCHER, Party.HOUSE])
def test_what_the_desk_cancels_is_on_the_house_unless_it_says_otherwise(party: Party) -> None:
    assert fault(coming(), party=party) is Party.HOUSE


ENOUGH: dict[str, Any] = {
    "distance_m": AT_PICKUP_M,
    "age_s": 180.0,
    "waited_s": 180.0,
    "free_wait_s": 180,
    "calls": 1,
}


def test_who_is_there_has_waited_and_called_has_shown_it() -> None:
    assert Evidence(**ENOUGH).missing == []


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ({"distance_m": None, "age_s": None}, "not known"),
        ({"age_s": 181.0}, "old"),
        ({"distance_m": AT_PICKUP_M + 1}, "151 m from the pickup"),
        ({"waited_s": 150.0}, "wait 30 s more"),
        ({"calls": 0}, "call the customer"),
    ],
)
def test_what_is_lacking_is_said(lacking: dict[str, Any], said: str) -> None:
    [missing] = Evidence(**ENOUGH | lacking).missing
    assert said in missing


def test_all_that_is_lacking_is_said_at_once() -> None:
    nothing = {"distance_m": 900.0, "waited_s": 0.0, "calls": 0}
    assert len(Evidence(**ENOUGH | nothing).missing) == 3
