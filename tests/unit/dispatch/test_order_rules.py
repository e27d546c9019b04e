"""Who may move an order where."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.states import OrderState, Party
from dispatch.errors import Forbidden, IllegalMove
from dispatch.orders import rules

S, P = OrderState, Party
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

states, parties = st.sampled_from(S), st.sampled_from(P)


@given(states, states, parties)
def test_a_move_is_allowed_as_the_table_says_and_refused_with_what_can_be_done(
    current: OrderState, wanted: OrderState, party: Party
) -> None:
    if wanted in rules.moves_of(current, party):
        rules.check_move(current, wanted, party)
        return
    with pytest.raises((IllegalMove, Forbidden)) as refused:
        rules.check_move(current, wanted, party)
    is_for_others = wanted in rules.MOVES[current]
    assert refused.type is (Forbidden if is_for_others else IllegalMove)
    for can in () if is_for_others else rules.moves_of(current, party):
        assert can in refused.value.message


def test_every_state_has_its_moves_and_the_ended_ones_have_none() -> None:
    assert set(rules.MOVES) == set(S)
    assert {state for state in S if not rules.MOVES[state]} == rules.ENDED


def test_the_groups_of_states_part_them_all() -> None:
    assert sorted([*rules.WAITING, *rules.TAKEN, *rules.ENDED]) == sorted(S)


@given(states)
def test_from_wherever_it_stands_an_order_can_end(state: OrderState) -> None:
    reached, ahead = set[OrderState](), {state}
    while ahead:
        reached |= ahead
        ahead = {wanted for each in ahead for wanted in rules.MOVES[each]} - reached
    assert reached & rules.ENDED


@given(states, parties)
def test_no_driver_and_no_customer_touches_an_order_that_is_not_with_them(
    state: OrderState, party: Party
) -> None:
    can = set(rules.moves_of(state, party))
    if party is P.CUSTOMER:
        assert can <= {S.CANCELLED}
    if party is P.DRIVER and state in rules.WAITING:
        assert can <= {S.ACCEPTED, S.REQUESTED}
    if party is P.HOUSE:
        assert not can & (rules.ENDED | {S.ACCEPTED})


def test_a_passenger_who_sits_in_the_car_is_not_cancelled_by_themselves() -> None:
    with pytest.raises(Forbidden):
        rules.check_move(S.IN_PROGRESS, S.CANCELLED, P.CUSTOMER)


def test_contracts_that_leave_steps_out_go_through_all_of_them() -> None:
    assert rules.find_steps(S.ACCEPTED, S.IN_PROGRESS) == [S.EN_ROUTE, S.ARRIVED, S.IN_PROGRESS]
    assert rules.find_steps(S.IN_PROGRESS, S.COMPLETED) == [S.COMPLETED]
    assert rules.find_steps(S.ARRIVED, S.ACCEPTED) == [S.ACCEPTED]
    assert rules.find_steps(S.OFFERED, S.CANCELLED) == [S.CANCELLED]


@pytest.mark.parametrize(
    ("was", "wanted", "party", "word"),
    [
        (S.OFFERED, S.ACCEPTED, P.DRIVER, "accepted"),
        (S.UNASSIGNED, S.ACCEPTED, P.DISPATCHER, "assigned"),
        (S.ARRIVED, S.IN_PROGRESS, P.DRIVER, "started"),
        (S.EN_ROUTE, S.REQUESTED, P.DRIVER, "given_back"),
        (S.OFFERED, S.UNASSIGNED, P.HOUSE, "unassigned"),
    ],
)
def test_the_timeline_has_a_word_for_each_move(
    was: OrderState, wanted: OrderState, party: Party, word: str
) -> None:
    assert rules.word_for(was, wanted, party) == word


def test_a_driver_who_came_early_waits_from_the_time_that_was_agreed_on() -> None:
    hour = timedelta(hours=1)
    assert rules.waited(NOON, NOON + hour, until=NOON + 2 * hour) == hour
    assert rules.waited(NOON, NOON + hour, until=NOON) == timedelta(0)
    assert rules.waited(NOON, None, until=NOON + hour) == hour
    assert rules.waited(None, None, until=NOON) == timedelta(0)


def test_a_driver_is_looked_for_half_an_hour_before_the_time_of_an_order() -> None:
    assert rules.search_from(None, at=NOON) == NOON
    assert rules.search_from(NOON + timedelta(minutes=10), at=NOON) == NOON
    assert rules.search_from(NOON + timedelta(hours=3), at=NOON) == NOON + timedelta(hours=2, minutes=30)
