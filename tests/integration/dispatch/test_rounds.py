"""Rounds: who is asked for what waits, on a real database."""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from db.models import Driver, Order, OrderOffer, User
from db.session import Database
from db.states import OfferState, OrderState, Service
from dispatch.errors import DomainError
from dispatch.matching.driver_rules import PATIENCE
from dispatch.matching.driver_scoring import Policy, There
from dispatch.matching.planning import Plan, Waiting, plan
from dispatch.orders import offers, relay, rounds
from dispatch.orders.rounds import Round
from dispatch.orders.rules import ANSWER_WITHIN, SEARCH_BEFORE
from ops.places import CHECKOUT
from tests.builders import NOON
from tests.ordering import advance, assign, cancel, drive, events_of, make_driver, order_of, place_order
from tests.servers import WAIT_S, eventually

SECOND = timedelta(seconds=1)
BATCH, GREEDY = Policy(window_s=3), Policy(window_s=0)


def hold(database: Database, at: datetime = NOON, policy: Policy = BATCH) -> Round:
    return rounds.run(database, policy=policy, at=at)


def offers_of(database: Database, order: Order) -> list[OrderOffer]:
    with database.transaction() as session:
        return list(
            session.scalars(select(OrderOffer).where(OrderOffer.order_id == order.id).order_by(OrderOffer.id))
        )


def answer(database: Database, driver: User, *, yes: bool, at: datetime = NOON) -> None:
    """Answer the open offer."""
    with database.transaction() as session:
        asked = select(OrderOffer.uuid).where(
            OrderOffer.driver_id == driver.id, OrderOffer.state == OfferState.OPEN
        )
        uuid = session.scalars(asked).one()
        say = offers.accept if yes else offers.decline
        say(session, uuid, by=driver.id, via="test", at=at)


def settle(database: Database, at: datetime) -> None:
    """Let the process of orders do all that is due."""
    while relay.turn(database, at=at):
        pass


def test_the_nearest_is_asked_with_distance_and_terms_and_a_deadline(database: Database) -> None:
    order = place_order(database)
    make_driver(database, metres=3_000)
    near = make_driver(database, metres=300)
    assert hold(database) == Round(waiting=1, drivers=2, offered=1)
    (offer,) = offers_of(database, order)
    assert (offer.driver_id, offer.state, offer.until_at) == (near.id, OfferState.OPEN, NOON + ANSWER_WITHIN)
    assert offer.distance_m == pytest.approx(300, abs=2)
    assert offer.terms["eta_s"] == offer.eta_s
    assert order_of(database, order).state == OrderState.OFFERED
    assert hold(database, NOON + 3 * SECOND) == Round(), "one at a time"


def test_a_no_and_silence_bring_the_next_and_in_the_end_a_person(database: Database) -> None:
    order = place_order(database)
    near, far = make_driver(database, metres=300), make_driver(database, metres=900)
    hold(database)
    answer(database, near, yes=False)
    assert hold(database).offered == 1
    assert [each.driver_id for each in offers_of(database, order)] == [near.id, far.id]
    later = NOON + ANSWER_WITHIN + SECOND
    settle(database, later)
    for driver in (near, far):
        drive(database, driver, 300, at=later)
    assert hold(database, later) == Round(waiting=1, drivers=2, unassigned=1)
    found = order_of(database, order)
    assert (found.state, found.unassigned_at) == (OrderState.UNASSIGNED, later)
    assert events_of(database, order)[-1].detail["why"] == rounds.NOBODY_ABLE


def test_an_order_that_needs_a_person_stays_in_the_rounds(database: Database) -> None:
    order = place_order(database)
    assert hold(database).unassigned == 1
    assert hold(database) == Round(waiting=1), "it is said once"
    driver = make_driver(database)
    assert hold(database).offered == 1
    answer(database, driver, yes=True)
    found = order_of(database, order)
    assert (found.state, found.driver_id, found.unassigned_at) == (OrderState.ACCEPTED, driver.id, None)


def test_where_all_are_only_busy_a_person_is_asked_after_a_while(database: Database) -> None:
    assign(database, place_order(database), driver := make_driver(database))
    order = place_order(database)
    assert hold(database).unassigned == 0
    later = NOON + PATIENCE + SECOND
    drive(database, driver, 100, at=later)
    assert hold(database, later).unassigned == 1
    assert events_of(database, order)[-1].detail["why"] == rounds.ALL_BUSY


def test_who_is_done_with_one_order_is_asked_for_the_next(database: Database) -> None:
    first, driver = place_order(database), make_driver(database)
    hold(database)
    answer(database, driver, yes=True)
    second = place_order(database)
    assert hold(database).offered == 0
    advance(database, first, OrderState.COMPLETED)
    assert hold(database).offered == 1
    assert offers_of(database, second)[0].driver_id == driver.id


def test_an_order_for_later_is_looked_at_when_its_time_comes(database: Database) -> None:
    make_driver(database)
    order = place_order(database, scheduled_at=NOON + timedelta(hours=2))
    assert hold(database) == Round()
    then = NOON + timedelta(hours=2) - SEARCH_BEFORE
    for driver in (make_driver(database, at=then),):
        assert hold(database, then).offered == 1
        assert offers_of(database, order)[0].driver_id == driver.id


def test_several_are_asked_at_once_where_the_order_says_so_and_one_gets_it(database: Database) -> None:
    order = place_order(database, at_once=3)
    people = [make_driver(database, metres=100 * number) for number in range(1, 6)]
    assert hold(database).offered == 3
    assert {each.driver_id for each in offers_of(database, order)} == {each.id for each in people[:3]}
    answer(database, people[0], yes=False)
    assert hold(database).offered == 1, "another takes the place of whoever said no"
    answer(database, people[1], yes=True)
    states = {each.driver_id: each.state for each in offers_of(database, order)}
    assert states == {
        people[0].id: OfferState.DECLINED,
        people[1].id: OfferState.ACCEPTED,
        people[2].id: OfferState.WITHDRAWN,
        people[3].id: OfferState.WITHDRAWN,
    }
    late = next(each for each in offers_of(database, order) if each.driver_id == people[2].id)
    with pytest.raises(DomainError) as told, database.transaction() as session:
        offers.accept(session, late.uuid, by=people[2].id, via="test", at=NOON)
    assert told.value.code == "taken"


def test_a_batch_gives_each_order_the_driver_that_is_best_for_all(database: Database) -> None:
    first = place_order(database, at=NOON - 2 * SECOND, lat=41.3110, lon=69.2405)
    second = place_order(database, at=NOON - SECOND, lat=41.3290, lon=69.2405)
    left, right = make_driver(database), make_driver(database)
    drive(database, left, -2_000, at=NOON)
    drive(database, right, 1_200, at=NOON)
    hold(database)
    assert offers_of(database, first)[0].driver_id == left.id
    assert offers_of(database, second)[0].driver_id == right.id


def test_one_after_the_other_each_takes_the_nearest_where_nothing_gathers(database: Database) -> None:
    first = place_order(database, at=NOON - 2 * SECOND, lat=41.3110, lon=69.2405)
    second = place_order(database, at=NOON - SECOND, lat=41.3290, lon=69.2405)
    left, right = make_driver(database), make_driver(database)
    drive(database, left, -2_000, at=NOON)
    drive(database, right, 1_200, at=NOON)
    hold(database, policy=GREEDY)
    assert offers_of(database, first)[0].driver_id == right.id
    assert offers_of(database, second)[0].driver_id == left.id


def test_what_changes_while_a_round_thinks_stops_that_order_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, ended, well, lost = (
        place_order(database, service=service) for service in [Service.TOW] * 3 + [Service.REPAIR]
    )
    people = [make_driver(database, services=(Service.TOW,)) for _ in range(3)]

    def slowly(waiting: Sequence[Waiting], there: Sequence[There], policy: Policy) -> Plan:
        found = plan(waiting, there, policy)
        asked = {each.order: there[each.driver].key for each in found.proposals}
        cancel(database, ended)
        cancel(database, lost)
        # The driver who was to be asked for the first order is given another one meanwhile.
        mine = next(person for person in people if person.id == asked[0])
        assign(database, place_order(database, service=Service.TOW), mine)
        return found

    monkeypatch.setattr(rounds, "plan", slowly)
    assert hold(database) == Round(waiting=4, drivers=3, offered=1)
    assert offers_of(database, given) == offers_of(database, ended) == []
    assert len(offers_of(database, well)) == 1
    assert order_of(database, lost).state == OrderState.CANCELLED
    monkeypatch.undo()
    assert hold(database).offered == 1, "the next round sees it as it is then"
    assert len(offers_of(database, given)) == 1


def test_a_round_that_comes_late_asks_nobody_for_what_another_has_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = place_order(database)
    near, far = make_driver(database, metres=300), make_driver(database, metres=900)

    def be_online(online: bool) -> None:
        with database.transaction() as session:
            session.execute(update(Driver).where(Driver.user_id == near.id).values(online=online))

    def slowly(waiting: Sequence[Waiting], there: Sequence[There], policy: Policy) -> Plan:
        found = plan(waiting, there, policy)
        monkeypatch.undo()
        be_online(False)
        assert hold(database).offered == 1
        be_online(True)
        return found

    monkeypatch.setattr(rounds, "plan", slowly)
    assert hold(database).offered == 0
    assert [each.driver_id for each in offers_of(database, order)] == [far.id]


def test_orders_that_need_a_person_already_keep_none_from_those_who_need_one_now(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MOST", 1)
    for late in (2, 1):
        place_order(database, at=NOON - late * SECOND)
    assert hold(database) == Round(waiting=2, unassigned=1, left=1)
    assert hold(database) == Round(waiting=2, unassigned=1)


def test_two_rounds_at_the_same_time_ask_nobody_twice(database: Database) -> None:
    orders = [place_order(database) for _ in range(6)]
    for number in range(6):
        make_driver(database, metres=100 * number)
    with ThreadPoolExecutor(2) as hands:
        list(hands.map(lambda _: hold(database), range(2)))
    hold(database)  # what each had meant for whom the other had asked already
    asked = [offer for order in orders for offer in offers_of(database, order)]
    assert (
        len(asked) == len({each.driver_id for each in asked}) == len({each.order_id for each in asked}) == 6
    )


def test_a_round_does_no_more_than_it_can_in_time_and_the_next_does_the_rest(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MOST", 2)
    first, second, third = (place_order(database, at=NOON - late * SECOND) for late in (9, 6, 3))
    lost = place_order(database, service=Service.TOW)
    for _ in range(3):
        make_driver(database, services=(Service.RIDE,))
    assert hold(database) == Round(waiting=4, drivers=3, offered=2, left=2)
    assert [len(offers_of(database, each)) for each in (first, second, third)] == [1, 1, 0]
    assert hold(database) == Round(waiting=2, drivers=3, offered=1, unassigned=1)
    assert order_of(database, lost).state == OrderState.UNASSIGNED


def test_one_order_that_goes_wrong_stops_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = place_order(database), place_order(database)
    for _ in range(2):
        make_driver(database)
    made = offers.make

    def breaking(session: object, order: Order, *arguments: object, **more: object) -> object:
        if order.id == bad.id:
            raise RuntimeError("boom")
        return made(session, order, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(offers, "make", breaking)
    assert hold(database).offered == 1
    assert offers_of(database, bad) == []
    assert len(offers_of(database, good)) == 1


@pytest.mark.parametrize("window_s", ["0.2", "0"])
def test_the_process_of_orders_asks_by_itself(database: Database, tmp_path: Path, window_s: str) -> None:
    beat = tmp_path / "orders.beat"
    told = {"MAYDAY_DATABASE_URL": database.url, "MAYDAY_BEAT": str(beat), "MAYDAY_ORDERS_WINDOW_S": window_s}
    child = subprocess.Popen(
        [sys.executable, "-m", "dispatch.orders.relay"], env=os.environ | told, cwd=CHECKOUT
    )
    try:
        eventually(beat.exists, "the process to be ready")
        now = datetime.now(UTC)
        driver = make_driver(database, at=now)
        order = place_order(database, at=now)
        eventually(lambda: offers_of(database, order), "somebody to be asked")
        (offer,) = offers_of(database, order)
        assert offer.driver_id == driver.id
    finally:
        child.terminate()
        child.wait(WAIT_S)
