"""What other contracts call the states of an order, and how they write amounts."""

import pytest

from api.dialects import orders
from api.dialects.depannini import words as depannini
from api.dialects.invo import words as invo
from db.states import OrderState, Service
from dispatch.errors import WrongFields


@pytest.mark.parametrize("state", OrderState)
def test_every_state_has_a_word_in_each_contract(state: OrderState) -> None:
    assert invo.read_status(invo.STATUS[state]) is state
    assert invo.read_status(state.value.upper()) is state
    assert depannini.STATUS[state] in {"requested", "accepted", "ongoing", "completed", "canceled"}


def test_what_is_said_in_depannini_is_read_back_in_the_same_word() -> None:
    for word, state in depannini.STATES.items():
        assert depannini.STATUS[state] == word


@pytest.mark.parametrize("said", ["draft", "", None, 7, ["completed"]])
def test_a_word_nobody_knows_is_told_with_those_that_are_known(said: object) -> None:
    with pytest.raises(ValueError, match="driver_en_route"):
        invo.read_status(said)


def test_who_comes_is_not_settled_by_a_status() -> None:
    assert OrderState.ACCEPTED not in invo.SETTABLE
    assert {OrderState.EN_ROUTE, OrderState.COMPLETED, OrderState.CANCELLED} <= invo.SETTABLE


def test_towing_and_repair_have_words_and_a_ride_has_none() -> None:
    assert depannini.TYPES == {Service.TOW: "towing", Service.REPAIR: "repair"}


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [(150_000, "UZS", 1500.0), (1_999, "EUR", 19.99), (500, "JPY", 500.0), (1_234, "TND", 1.234)],
)
def test_an_amount_is_written_in_whole_units(amount: int, currency: str, written: float) -> None:
    assert orders.major(amount, currency) == written


def test_what_is_wrong_is_told_by_the_names_of_the_contract() -> None:
    with pytest.raises(WrongFields) as refused, orders.in_words({"scheduled_at": "desired_pickup_time"}):
        raise WrongFields({"scheduled_at": "has passed", "seats": "must be 1 to 16"})
    told = {each["field"]: each["message"] for each in refused.value.wrong}
    assert told == {"desired_pickup_time": "has passed", "seats": "must be 1 to 16"}
