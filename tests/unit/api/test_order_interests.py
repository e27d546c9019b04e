"""What a socket is told of the orders it watches, look by look."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from api.accounts.service import Person
from api.orders.interests import (
    Changed,
    Gone,
    Interest,
    Moved,
    News,
    Offered,
    OfferEnded,
    OneOrder,
    OneVehicle,
    OrdersOf,
    Over,
    Said,
)
from api.orders.sights import Ask, Look, Message, OfferSight, OrderSight, VehicleSight
from db.models import Order
from db.states import OfferState, OrderState, Party, Role, Service
from tests.sights import AZIZA, JASUR, NOON, an_order, message, person, place

CUSTOMER = person(AZIZA.id)
DRIVER = person(JASUR.id, Role.DRIVER)
DESK = person(9, Role.DISPATCHER, regions=frozenset({"south"}))
OTHER_DESK = person(9, Role.DISPATCHER, regions=frozenset({"north"}))
STRANGER = person(8)


def look(*orders: OrderSight, messages: Sequence[Message] = (), **more: object) -> Look:
    said: dict[int, list[Message]] = {}
    for each in messages:
        said.setdefault(each.order_id, []).append(each)
    found: dict[str, object] = {"at": NOON, "orders": {each.id: each for each in orders}, "messages": said}
    return Look(**found | more)  # type: ignore[arg-type]


def see(interest: Interest, seen: Look, who: Person) -> list[News]:
    return list(interest.see(seen, who))


def kinds(news: Iterable[News]) -> list[str]:
    return [type(each).__name__ for each in news]


def an_offer(offer_id: int = 1, state: OfferState = OfferState.OPEN, driver_id: int = JASUR.id) -> OfferSight:
    return OfferSight(
        id=offer_id,
        uuid=UUID(int=offer_id),
        driver_id=driver_id,
        order_id=7,
        state=state,
        until_at=NOON + timedelta(seconds=30),
        distance_m=812.4,
        eta_s=140,
        service=Service.TOW,
        lat=41.311081,
        lon=69.240562,
        customer=AZIZA,
    )


def test_who_joins_is_told_how_it_stands_and_then_what_changes_alone() -> None:
    interest = OneOrder(7)
    assert kinds(see(interest, look(an_order()), CUSTOMER)) == ["Changed", "Moved"]
    assert see(interest, look(an_order()), CUSTOMER) == []
    assert kinds(see(interest, look(an_order(revision=2)), CUSTOMER)) == ["Changed"]
    moved = an_order(revision=2, place=place(at=NOON + timedelta(seconds=5)))
    assert kinds(see(interest, look(moved, at=NOON + timedelta(seconds=5)), CUSTOMER)) == ["Moved"]


def test_who_wants_it_whole_waits_for_a_look_that_read_it() -> None:
    interest = OneOrder(7, whole=True)
    assert interest.ask().whole == {7: 0}
    assert see(interest, look(an_order()), CUSTOMER) == []
    whole = Order(id=7)
    changed = see(interest, look(an_order(), whole={7: whole}), CUSTOMER)[0]
    assert isinstance(changed, Changed)
    assert changed.whole is whole
    assert interest.ask().whole == {7: 1}
    assert see(interest, look(an_order()), CUSTOMER) == []


@pytest.mark.parametrize("who", [CUSTOMER, DRIVER, DESK, person(9, Role.ADMIN)])
def test_those_whose_it_is_may_watch_an_order(who: Person) -> None:
    assert kinds(see(OneOrder(7), look(an_order()), who))[0] == "Changed"


@pytest.mark.parametrize("who", [STRANGER, person(8, Role.DRIVER), OTHER_DESK])
def test_to_others_it_is_not_there(who: Person) -> None:
    with pytest.raises(Over) as over:
        see(OneOrder(7), look(an_order()), who)
    with pytest.raises(Over) as unknown:
        see(OneOrder(8), look(an_order()), who)
    assert (over.value.code, over.value.reason) == (unknown.value.code, unknown.value.reason)
    assert over.value.code == 4404


def test_a_driver_who_has_it_no_longer_is_told_no_more_of_it() -> None:
    interest = OneOrder(7)
    see(interest, look(an_order()), DRIVER)
    with pytest.raises(Over) as over:
        see(interest, look(an_order(OrderState.REQUESTED, revision=2)), DRIVER)
    assert over.value.code == 4403


def test_a_place_that_grows_old_is_told_once_more_as_stale_and_without_an_arrival() -> None:
    interest = OneOrder(7)
    first = see(interest, look(an_order()), CUSTOMER)[-1]
    assert isinstance(first, Moved)
    assert not first.stale
    assert first.arrival is not None
    later = NOON + timedelta(seconds=200)
    (old,) = see(interest, look(an_order(), at=later), CUSTOMER)
    assert isinstance(old, Moved)
    assert (old.stale, old.age_s, old.arrival) == (True, 200, None)
    assert see(interest, look(an_order(), at=later + timedelta(seconds=60)), CUSTOMER) == []


@pytest.mark.parametrize(
    "state", [OrderState.COMPLETED, OrderState.CANCELLED, OrderState.NO_SHOW, OrderState.REQUESTED]
)
def test_where_a_driver_is_is_told_only_while_they_come_or_are_there(state: OrderState) -> None:
    ended = replace(an_order(), state=state)
    assert kinds(see(OneOrder(7), look(ended), CUSTOMER)) == ["Changed"]


def test_where_the_customer_is_is_told_to_the_driver_until_they_have_met() -> None:
    said = place(41.3111, 69.2401, NOON + timedelta(seconds=9))
    seen = look(an_order(customer_place=said), at=NOON + timedelta(seconds=10))
    news = see(OneOrder(7), seen, DRIVER)
    assert [(each.who, each.party) for each in news if isinstance(each, Moved)] == [
        (JASUR.id, Party.DRIVER),
        (AZIZA.id, Party.CUSTOMER),
    ]
    assert [each.party for each in see(OneOrder(7), seen, CUSTOMER) if isinstance(each, Moved)] == [
        Party.DRIVER
    ]
    under_way = an_order(OrderState.IN_PROGRESS, customer_place=said)
    assert all(
        each.party is Party.DRIVER
        for each in see(OneOrder(7), look(under_way), DRIVER)
        if isinstance(each, Moved)
    )


def test_where_the_customer_was_before_it_was_accepted_is_told_nobody() -> None:
    before = place(at=NOON - timedelta(seconds=1))
    news = see(OneOrder(7), look(an_order(customer_place=before)), DRIVER)
    assert [each.party for each in news if isinstance(each, Moved)] == [Party.DRIVER]


def test_what_was_said_before_is_told_as_past_and_each_message_once() -> None:
    interest = OneOrder(7, after=0)
    said = [message(1), message(2, JASUR)]
    first = see(interest, look(an_order(last_message=2), messages=said), CUSTOMER)
    assert [(each.message.id, each.past) for each in first if isinstance(each, Said)] == [
        (1, True),
        (2, True),
    ]
    assert interest.ask().chats == {7: 2}
    again = see(interest, look(an_order(last_message=3), messages=[*said, message(3)]), CUSTOMER)
    assert [(each.message.id, each.past) for each in again if isinstance(each, Said)] == [(3, False)]


def test_who_does_not_ask_for_the_past_is_told_what_is_said_from_now_on() -> None:
    interest = OneOrder(7)
    assert "Said" not in kinds(see(interest, look(an_order(last_message=5), messages=[message(5)]), CUSTOMER))
    assert interest.ask().chats == {7: 5}
    later = see(interest, look(an_order(last_message=6), messages=[message(6)]), CUSTOMER)
    assert kinds(later) == ["Said"]


def test_a_driver_reads_nothing_that_one_before_them_was_told() -> None:
    said = [message(1, at=NOON - timedelta(minutes=1)), message(2, at=NOON + timedelta(seconds=1))]
    news = see(OneOrder(7, after=0), look(an_order(last_message=2), messages=said), DRIVER)
    assert [each.message.id for each in news if isinstance(each, Said)] == [2]
    news = see(OneOrder(7, after=0), look(an_order(last_message=2), messages=said), DESK)
    assert [each.message.id for each in news if isinstance(each, Said)] == [1, 2]


def test_a_passenger_is_told_of_all_their_orders_to_the_end_and_then_asks_no_more() -> None:
    interest = OrdersOf(AZIZA.id, Party.CUSTOMER)
    assert interest.ask().customers == {AZIZA.id}
    other = an_order(OrderState.REQUESTED, id=8)
    news = see(interest, look(an_order(), other), CUSTOMER)
    assert [each.order.id for each in news if isinstance(each, Changed)] == [7, 8]
    assert interest.ask().orders == {7, 8}
    done = an_order(OrderState.COMPLETED, revision=2)
    assert kinds(see(interest, look(done, other), CUSTOMER)) == ["Changed"]
    assert interest.ask().orders == {8}
    # Another socket may watch an order that has ended: this one does not begin with it anew.
    assert see(interest, look(done, other), CUSTOMER) == []


def test_a_driver_is_told_of_offers_and_of_their_end() -> None:
    interest = OrdersOf(JASUR.id, Party.DRIVER)
    assert kinds(see(interest, look(offers=[an_offer()]), DRIVER)) == ["Offered"]
    assert see(interest, look(offers=[an_offer()]), DRIVER) == []
    assert interest.ask().offers == {1}
    ended = see(interest, look(offers=[an_offer(state=OfferState.EXPIRED)]), DRIVER)
    assert ended == [OfferEnded(an_offer(state=OfferState.EXPIRED))]
    assert interest.ask().offers == set()


def test_an_offer_that_another_socket_knows_already_is_read_for_this_one() -> None:
    interest = OrdersOf(JASUR.id, Party.DRIVER, whole=True)
    assert see(interest, look(offers=[an_offer()]), DRIVER) == []
    assert interest.ask().whole == {7: 0}
    whole = Order(id=7)
    assert see(interest, look(offers=[an_offer()], whole={7: whole}), DRIVER) == [Offered(an_offer(), whole)]
    assert (interest.ask().whole, interest.ask().offers) == ({}, {1})


def test_offers_of_others_are_not_told() -> None:
    interest = OrdersOf(JASUR.id, Party.DRIVER)
    assert see(interest, look(offers=[an_offer(driver_id=5)]), DRIVER) == []


def test_a_driver_whose_order_is_taken_away_is_told_that_it_is_gone_and_nothing_else_of_it() -> None:
    interest = OrdersOf(JASUR.id, Party.DRIVER)
    see(interest, look(an_order()), DRIVER)
    taken_away = an_order(OrderState.REQUESTED, revision=2)
    assert see(interest, look(taken_away), DRIVER) == [Gone(7)]
    assert see(interest, look(), DRIVER) == []


def test_a_desk_sees_where_a_driver_is_who_has_no_order() -> None:
    interest = OrdersOf(JASUR.id, Party.DRIVER)
    seen = look(places={JASUR.id: place()})
    assert kinds(see(interest, seen, DESK)) == ["Moved"]
    assert see(interest, seen, DESK) == []
    assert see(OrdersOf(JASUR.id, Party.DRIVER), seen, DRIVER) == []


@pytest.mark.parametrize("party", [Party.DRIVER, Party.CUSTOMER])
def test_nobody_watches_the_orders_of_another_but_a_desk_those_of_its_regions(party: Party) -> None:
    whose = JASUR.id if party is Party.DRIVER else AZIZA.id
    with pytest.raises(Over):
        see(OrdersOf(whose, party), look(an_order()), STRANGER)
    assert "Changed" in kinds(see(OrdersOf(whose, party), look(an_order()), DESK))
    assert see(OrdersOf(whose, party), look(an_order()), OTHER_DESK) == []


def test_a_truck_is_watched_by_its_driver_by_desks_and_by_the_customer_it_comes_to() -> None:
    truck = VehicleSight(4, JASUR.id, place(), 7, AZIZA.id)
    for who in (CUSTOMER, DRIVER, DESK):
        assert kinds(see(OneVehicle(4), look(vehicles={4: truck}), who)) == ["Moved"]
    for who in (STRANGER, person(8, Role.DRIVER)):
        with pytest.raises(Over):
            see(OneVehicle(4), look(vehicles={4: truck}), who)
    interest = OneVehicle(4)
    see(interest, look(vehicles={4: truck}), CUSTOMER)
    with pytest.raises(Over) as over:
        see(interest, look(vehicles={4: replace(truck, order_id=None, customer_id=None)}), CUSTOMER)
    assert over.value.code == 4403


def test_many_are_asked_for_at_once_and_nobody_misses_a_message() -> None:
    ask = Ask.all_of(
        [
            Ask(orders={1, 2}, chats={1: 10, 2: 3}, whole={1: 4}),
            Ask(orders={2}, chats={2: 1}, whole={1: 3}),
            Ask(customers={5}),
            Ask(drivers={6}, offers={9}, vehicles={4}),
        ]
    )
    assert (ask.orders, ask.customers, ask.drivers) == ({1, 2}, {5}, {6})
    assert (ask.offers, ask.vehicles) == ({9}, {4})
    assert ask.chats == {1: 10, 2: 1}
    assert ask.whole == {1: 3}


@given(some.lists(some.integers(1, 6), max_size=12))
def test_however_looks_fall_each_message_is_told_once_and_in_order(seen_up_to: list[int]) -> None:
    """Whatever a look finds, again or late, because another socket asked for more."""
    interest = OneOrder(7, after=0)
    told: list[int] = []
    for last in [*sorted(seen_up_to), 6]:
        found = [message(each) for each in range(1, last + 1)]
        news = see(interest, look(an_order(last_message=last), messages=found), CUSTOMER)
        told += [each.message.id for each in news if isinstance(each, Said)]
    assert told == [1, 2, 3, 4, 5, 6]
