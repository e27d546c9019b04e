"""Asking drivers to take an order and what they answer, on a real database."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from db.models import Order, OrderOffer, Timer, User
from db.session import Database
from db.states import OfferState, OrderState, Party, UserStatus
from dispatch.errors import Conflict, DomainError, Forbidden, IllegalMove, NotFound
from dispatch.orders import assigning, moving, offers, queries, rules
from dispatch.orders.assigning import Unfit
from dispatch.orders.offers import Expired, Over
from tests.asking import (
    accept,
    asked_for,
    deadlines,
    decline,
    give_app,
    make_offer,
    messages_to,
    offer_of,
    settle,
    told,
)
from tests.builders import NOON, make_user
from tests.ordering import advance, cancel, events_of, make_driver, order_of, place_order

SECOND = timedelta(seconds=1)
F, S = OfferState, OrderState
DEADLINE = NOON + rules.ANSWER_WITHIN


def kinds(database: Database, order: Order) -> list[str]:
    return [event.kind for event in events_of(database, order)]


def assign(database: Database, order: Order, driver: User, *, by: User, at: datetime = NOON) -> Order:
    with database.transaction() as session:
        return assigning.assign(session, queries.by_id(order.id), driver.id, by=by.id, at=at)


def test_a_driver_who_is_asked_is_told_at_once_and_has_until_the_deadline(database: Database) -> None:
    driver, order = make_driver(database), place_order(database)
    give_app(database, driver)
    offer = make_offer(database, order, driver, distance_m=312.4, eta_s=90, score=80.5, terms={"eta_s": 90})
    assert offer is not None
    assert (offer.state, offer.until_at, offer.eta_s, offer.terms) == (F.OPEN, DEADLINE, 90, {"eta_s": 90})
    assert order_of(database, order).state == S.OFFERED
    assert deadlines(database) == {str(offer.uuid): DEADLINE}
    assert asked_for(database, "order.offer") == [str(offer.uuid)]
    [message] = messages_to(database, driver)
    assert (message.text, message.channels, message.until_at) == ("order.offer", ["push"], DEADLINE)
    assert asked_for(database, "order.push") == [str(message.uuid)]
    assert kinds(database, order) == ["requested", "offered"]


def test_a_driver_without_an_app_gets_no_short_message_that_would_come_too_late(database: Database) -> None:
    driver, order = make_driver(database), place_order(database)
    offer = make_offer(database, order, driver)
    assert messages_to(database, driver) == []
    assert offer is not None
    assert asked_for(database, "order.offer") == [str(offer.uuid)]


def test_a_driver_is_asked_for_one_order_at_a_time(database: Database) -> None:
    driver, first, second = make_driver(database), place_order(database), place_order(database)
    assert make_offer(database, first, driver) is not None
    assert make_offer(database, second, driver) is None
    accept(database, driver)
    assert make_offer(database, second, driver) is None
    advance(database, first, S.COMPLETED)
    assert make_offer(database, second, driver) is not None


def test_who_is_no_driver_is_not_asked(database: Database) -> None:
    assert make_offer(database, place_order(database), make_user(database)) is None


def test_the_first_of_several_has_it_and_the_others_are_told_so(database: Database) -> None:
    order, drivers = place_order(database, at_once=3), [make_driver(database) for _ in range(3)]
    give_app(database, *drivers)
    for driver in drivers:
        assert make_offer(database, order, driver) is not None
    taken = accept(database, drivers[1], at=NOON + SECOND, via="mqtt")
    assert (taken.state, taken.driver_id, taken.accepted_at) == (S.ACCEPTED, drivers[1].id, NOON + SECOND)
    assert taken.vehicle_id is not None
    states = [offer_of(database, driver).state for driver in drivers]
    assert states == [F.WITHDRAWN, F.ACCEPTED, F.WITHDRAWN]
    assert offer_of(database, drivers[1]).answered_via == "mqtt"
    assert deadlines(database) == {}
    assert told(database, drivers[0]) == ["order.offer", "order.taken"]
    assert told(database, drivers[1]) == ["order.offer"]
    assert messages_to(database, drivers[1])[0].confirmed_via == "mqtt"
    with pytest.raises(moving.Taken, match="another driver has this order"):
        accept(database, drivers[0], at=NOON + 2 * SECOND)
    assert kinds(database, order) == ["requested", "offered", "offered", "offered", "accepted"]


def test_a_yes_that_is_said_again_is_the_same_yes(database: Database) -> None:
    driver, order = make_driver(database), place_order(database)
    make_offer(database, order, driver)
    accept(database, driver)
    before = kinds(database, order)
    assert accept(database, driver, at=NOON + 5 * SECOND).driver_id == driver.id
    advance(database, order, S.COMPLETED)
    assert accept(database, driver, at=NOON + rules.ANSWER_WITHIN).state == S.COMPLETED
    assert kinds(database, order)[: len(before)] == before


def test_no_yes_is_taken_at_the_deadline_even_before_the_timer_has_fired(database: Database) -> None:
    driver, order = make_driver(database), place_order(database)
    make_offer(database, order, driver)
    with pytest.raises(Expired, match="too late"):
        accept(database, driver, at=DEADLINE)
    assert order_of(database, order).driver_id is None
    assert accept(database, driver, at=DEADLINE - timedelta(microseconds=1)).driver_id == driver.id


def test_silence_is_a_no_and_the_order_waits_for_the_next_round(database: Database) -> None:
    driver, order = make_driver(database), place_order(database)
    make_offer(database, order, driver)
    settle(database, DEADLINE - SECOND)
    assert offer_of(database, driver).state == F.OPEN
    settle(database, DEADLINE)
    assert (offer_of(database, driver).state, order_of(database, order).state) == (F.EXPIRED, S.REQUESTED)
    assert kinds(database, order) == ["requested", "offered", "offer_expired"]
    with pytest.raises(Expired):
        accept(database, driver, at=DEADLINE + SECOND)
    other = make_driver(database)
    assert make_offer(database, order, other, at=DEADLINE) is not None


def test_a_no_leaves_the_others_their_time(database: Database) -> None:
    order, (first, second) = place_order(database, at_once=2), [make_driver(database) for _ in range(2)]
    make_offer(database, order, first)
    make_offer(database, order, second)
    decline(database, first, why="too far")
    asked = offer_of(database, first)
    assert (asked.state, asked.why, asked.answered_via) == (F.DECLINED, "too far", "http")
    assert order_of(database, order).state == S.OFFERED
    decline(database, first)  # said again
    decline(database, second)
    assert order_of(database, order).state == S.REQUESTED
    events = events_of(database, order)
    assert [event.kind for event in events] == ["requested", "offered", "offered", "declined", "declined"]
    assert (events[3].party, events[3].by_id, events[3].detail["why"]) == (Party.DRIVER, first.id, "too far")
    with pytest.raises(IllegalMove, match="you do not come"):
        accept(database, first)


def test_a_no_after_a_yes_gives_the_order_back(database: Database) -> None:
    driver, order = make_driver(database), place_order(database)
    make_offer(database, order, driver)
    accept(database, driver)
    decline(database, driver, at=NOON + SECOND, why="flat tyre")
    now = order_of(database, order)
    assert (now.state, now.driver_id) == (S.REQUESTED, None)
    assert kinds(database, order)[-1] == "given_back"
    with pytest.raises(IllegalMove):
        accept(database, driver, at=NOON + 2 * SECOND)


def test_an_order_that_is_cancelled_takes_its_offers_with_it(database: Database) -> None:
    driver, order = make_driver(database), place_order(database)
    give_app(database, driver)
    make_offer(database, order, driver)
    cancel(database, order)
    assert offer_of(database, driver).state == F.WITHDRAWN
    assert told(database, driver) == ["order.offer", "order.off"]
    with pytest.raises(Over, match="it is over"):
        accept(database, driver, at=NOON + SECOND)
    settle(database, DEADLINE)
    assert order_of(database, order).state == S.CANCELLED


def test_nobody_answers_for_another_nor_who_may_not_drive_any_more(database: Database) -> None:
    driver, other, order = make_driver(database), make_driver(database), place_order(database)
    offer = make_offer(database, order, driver)
    assert offer is not None
    with pytest.raises(NotFound), database.transaction() as session:
        offers.accept(session, offer.uuid, by=other.id, via="http", at=NOON)
    with database.transaction() as session:
        session.get_one(User, driver.id).status = UserStatus.BLOCKED
    with pytest.raises(Forbidden, match="blocked"):
        accept(database, driver)
    assert order_of(database, order).state == S.OFFERED


def test_a_driver_whom_a_person_gave_an_order_is_not_waited_for_elsewhere(database: Database) -> None:
    desk, driver = make_user(database), make_driver(database)
    asked, given = place_order(database), place_order(database)
    make_offer(database, asked, driver)
    assign(database, given, driver, by=desk)
    with pytest.raises(moving.Busy):
        accept(database, driver_of_first_offer(database, asked))
    settle(database, NOON)
    assert order_of(database, asked).state == S.REQUESTED
    assert kinds(database, asked) == ["requested", "offered", "offer_withdrawn"]
    assert deadlines(database) == {}


def driver_of_first_offer(database: Database, order: Order) -> User:
    """Whose newest offer is then made that of this order."""
    with database.transaction() as session:
        first = session.scalars(select(OrderOffer).where(OrderOffer.order_id == order.id)).one()
        others = select(OrderOffer).where(OrderOffer.driver_id == first.driver_id, OrderOffer.id > first.id)
        for other in session.scalars(others):
            session.delete(other)
        return session.get_one(User, first.driver_id)


def test_what_a_desk_gives_counts_as_accepted(database: Database) -> None:
    desk, driver, order = make_user(database), make_driver(database), place_order(database)
    assert assign(database, order, driver, by=desk, at=NOON + SECOND).driver_id == driver.id
    counted = offer_of(database, driver)
    assert (counted.state, counted.offered_at, counted.answered_via) == (F.ACCEPTED, NOON + SECOND, "desk")
    assert assign(database, order, driver, by=desk, at=NOON + 2 * SECOND).driver_id == driver.id
    assert kinds(database, order) == ["requested", "assigned"]
    event = events_of(database, order)[-1]
    assert (event.party, event.by_id) == (Party.DISPATCHER, desk.id)


def test_a_desk_may_give_an_order_to_one_of_those_who_are_asked(database: Database) -> None:
    desk, order = make_user(database), place_order(database, at_once=2)
    first, second = make_driver(database), make_driver(database)
    make_offer(database, order, first)
    make_offer(database, order, second)
    assign(database, order, second, by=desk)
    assert (offer_of(database, first).state, offer_of(database, second).state) == (F.WITHDRAWN, F.ACCEPTED)
    assert accept(database, second).driver_id == second.id


def test_a_desk_gives_nothing_to_who_cannot_take_it(database: Database) -> None:
    desk, order = make_user(database), place_order(database)
    with pytest.raises(NotFound, match="no such driver"):
        assign(database, order, make_user(database), by=desk)
    with pytest.raises(Unfit, match="does not do ride"):
        assign(database, order, make_driver(database, services=()), by=desk)
    busy = make_driver(database)
    assign(database, place_order(database), busy, by=desk)
    with pytest.raises(moving.Busy):
        assign(database, order, busy, by=desk)
    assert offer_of(database, busy).order_id != order.id
    assign(database, order, make_driver(database), by=desk)
    with pytest.raises(moving.Taken):
        assign(database, order, make_driver(database), by=desk)


def at_the_same_time(*verbs: Callable[[], object]) -> list[object]:
    """What each of these comes to, begun together; a refusal is what it says."""
    gate, found = threading.Barrier(len(verbs)), {}

    def run(number: int, verb: Callable[[], object]) -> None:
        gate.wait()
        try:
            found[number] = verb()
        except DomainError as refusal:
            found[number] = refusal

    threads = [threading.Thread(target=run, args=each) for each in enumerate(verbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in range(len(verbs))]


def test_of_two_drivers_who_accept_at_once_one_has_it_and_the_other_is_told(database: Database) -> None:
    for _ in range(5):
        order, drivers = place_order(database, at_once=2), [make_driver(database) for _ in range(2)]
        for driver in drivers:
            make_offer(database, order, driver)
        first, second = at_the_same_time(*(partial(accept, database, driver) for driver in drivers))
        refused = [each for each in (first, second) if isinstance(each, Conflict)]
        assert [each.code for each in refused] == ["taken"]
        winner = drivers[1 if isinstance(first, Conflict) else 0]
        assert order_of(database, order).driver_id == winner.id
        advance(database, order, S.COMPLETED)


def test_of_two_orders_that_ask_a_driver_at_once_one_does(database: Database) -> None:
    for _ in range(5):
        driver, orders = make_driver(database), [place_order(database) for _ in range(2)]
        made = at_the_same_time(*(partial(make_offer, database, order, driver) for order in orders))
        assert [each is None for each in made].count(True) == 1
        assert sorted(order_of(database, order).state for order in orders) == [S.OFFERED, S.REQUESTED]


def test_a_yes_a_deadline_and_a_cancel_that_meet_leave_one_truth(database: Database) -> None:
    for _ in range(5):
        driver, order = make_driver(database), place_order(database)
        offer = make_offer(database, order, driver)
        assert offer is not None
        with database.transaction() as session:
            timer = session.scalars(select(Timer).where(Timer.subject == offer.uuid)).one()

        def lapse(timer: Timer = timer) -> None:
            with database.transaction() as session:
                offers.lapse(session, timer, at=DEADLINE)

        at_the_same_time(
            partial(accept, database, driver, at=DEADLINE - SECOND),
            lapse,
            partial(cancel, database, order, at=DEADLINE),
        )
        now, asked = order_of(database, order), offer_of(database, driver)
        assert now.state in (S.CANCELLED, S.ACCEPTED)
        assert asked.state != F.OPEN
        assert (now.driver_id is not None) == (asked.state == F.ACCEPTED)
        assert deadlines(database) == {}
        if now.state == S.ACCEPTED:
            cancel(database, order, at=DEADLINE)
