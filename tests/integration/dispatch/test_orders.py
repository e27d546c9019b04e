"""Orders from the wish to the end: what each verb leaves behind, and what it refuses."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import delete, select, update

from db.models import Fact, Order, OrderOffer, Shift, Vehicle, VehicleType
from db.session import Database
from db.states import Need, OfferState, OrderState, Party, Service
from dispatch.errors import Conflict, Forbidden, IllegalMove, Invalid, NotFound, WrongFields
from dispatch.orders import moving, placing, queries
from dispatch.orders.cancelling import NotShown
from dispatch.orders.moving import Busy, Taken
from dispatch.orders.pricing import Quote
from dispatch.orders.tariffs import NoTariff
from tests.asking import accept, make_offer
from tests.builders import NOON, make_user
from tests.maps import make_region, ring
from tests.ordering import (
    advance,
    assign,
    cancel,
    drive,
    events_of,
    log_call,
    make_driver,
    make_tariff,
    no_show,
    order_of,
    place_order,
    release,
    wish,
)

S = OrderState
MINUTE = timedelta(minutes=1)


def facts_of(database: Database, order: Order) -> list[str]:
    with database.transaction() as session:
        return list(session.scalars(select(Fact.kind).where(Fact.subject == order.uuid).order_by(Fact.id)))


def kinds_of(database: Database, order: Order) -> list[str]:
    return [event.kind for event in events_of(database, order)]


def test_an_order_is_what_was_wished_at_the_price_of_the_moment(database: Database) -> None:
    order = place_order(database, needs=(Need.LIFT,), seats=2, notes="third floor")
    kept = order_of(database, order)
    assert (kept.state, kept.revision, kept.region) == (S.REQUESTED, 1, "default")
    assert (kept.needs, kept.seats, kept.notes) == (["lift"], 2, "third floor")
    assert kept.distance_m == pytest.approx(6_500, rel=0.01)
    assert kept.vehicle_type == "car"
    agreed = Quote.thawed(kept.quote)
    assert kept.price == agreed.total == 2_000_000 + round((kept.distance_m - 2_000) * 250)
    assert (kept.search_from, kept.at_once, kept.currency) == (NOON, 1, "UZS")
    assert kinds_of(database, order) == ["requested"]
    assert facts_of(database, order) == ["order.requested"]


def test_a_price_stays_what_was_agreed_on_whatever_the_tariff_becomes(database: Database) -> None:
    tariff = make_tariff(database)
    order = place_order(database)
    with database.transaction() as session:
        session.execute(update(type(tariff)).values(per_km=1, free_wait_s=0, per_wait_min=10**9))
    driver = make_driver(database)
    assign(database, order, driver)
    advance(database, order, S.COMPLETED, at=NOON + MINUTE)
    assert order_of(database, order).price == order.price


def test_where_nobody_has_said_what_it_costs_nothing_can_be_ordered(database: Database) -> None:
    customer = make_user(database)
    with pytest.raises(NoTariff, match="no tariff for ride"), database.transaction() as session:
        placing.place(session, wish(), customer_id=customer.id, via="test", at=NOON)


def test_a_region_has_its_own_tariff_or_that_of_what_it_lies_in_or_that_of_everywhere(
    database: Database,
) -> None:
    make_region(database, "country")
    make_region(database, "city", [[ring()]], parent="country")
    cheapest_first = [None, "country", "city"]
    for price, region in enumerate(cheapest_first, 5):
        make_tariff(database, region=region, minimum=price * 10**6)
        assert place_order(database).price == price * 10**6
    outside = place_order(database, lat=10.0, lon=10.0, dropoff_lat=10.0, dropoff_lon=10.0)
    assert (outside.region, outside.price) == ("default", 5 * 10**6)


def test_a_kind_of_vehicle_or_an_addon_that_is_not_to_be_had_is_named(database: Database) -> None:
    make_tariff(database)
    with pytest.raises(WrongFields) as refused, database.transaction() as session:
        placing.quote(session, wish(vehicle_type="zeppelin"), at=NOON)
    assert [each["field"] for each in refused.value.wrong] == ["vehicle_type"]
    with pytest.raises(WrongFields, match="addons"), database.transaction() as session:
        placing.quote(session, wish(addons=("winch", "band")), at=NOON)


def test_who_names_no_kind_of_vehicle_means_the_first_that_has_room(database: Database) -> None:
    make_tariff(database)
    with database.transaction() as session:
        for slug, seats in (("bus", 16), ("small", 4)):
            session.add(VehicleType(slug=slug, name=slug, services=["ride"], base_price=seats, seats=seats))
        session.execute(delete(VehicleType).where(VehicleType.slug == "car"))
        session.execute(update(VehicleType).where(VehicleType.slug == "bus").values(rank=1))
    for seats, slug in ((4, "small"), (5, "bus")):
        assert place_order(database, seats=seats).vehicle_type == slug
    with pytest.raises(WrongFields, match="seats"):
        place_order(database, seats=5, vehicle_type="small")


def test_an_order_for_tonight_is_looked_after_half_an_hour_before(database: Database) -> None:
    tonight = NOON + timedelta(hours=8)
    order = place_order(database, scheduled_at=tonight)
    assert order_of(database, order).search_from == tonight - timedelta(minutes=30)
    assert "night" in {line["kind"] for line in order.quote["lines"]}


def test_an_order_that_goes_well_is_stamped_at_each_step(database: Database) -> None:
    order, driver = place_order(database), make_driver(database)
    assign(database, order, driver, at=NOON + MINUTE)
    for minutes, wanted in enumerate((S.EN_ROUTE, S.ARRIVED, S.IN_PROGRESS, S.COMPLETED), 2):
        advance(database, order, wanted, at=NOON + minutes * MINUTE)
    kept = order_of(database, order)
    assert (kept.state, kept.driver_id, kept.price) == (S.COMPLETED, driver.id, order.price)
    stamps = (kept.accepted_at, kept.en_route_at, kept.arrived_at, kept.started_at, kept.ended_at)
    assert stamps == tuple(NOON + minutes * MINUTE for minutes in range(1, 6))
    told = ["requested", "assigned", "en_route", "arrived", "started", "completed"]
    assert kinds_of(database, order) == told
    assert facts_of(database, order) == [f"order.{kind}" for kind in told]
    assert kept.revision == len(told)


def test_a_contract_that_leaves_steps_out_leaves_none_out_of_the_timeline(database: Database) -> None:
    order = place_order(database)
    assign(database, order, make_driver(database))
    advance(database, order, S.COMPLETED)
    assert kinds_of(database, order)[-4:] == ["en_route", "arrived", "started", "completed"]


def test_a_move_that_is_not_allowed_changes_nothing(database: Database) -> None:
    order = place_order(database)
    with pytest.raises(IllegalMove):
        advance(database, order, S.COMPLETED)
    with pytest.raises(Forbidden):
        advance(database, order, S.OFFERED, party=Party.CUSTOMER)
    assert order_of(database, order).revision == 1
    assert kinds_of(database, order) == ["requested"]


def test_a_driver_comes_with_the_vehicle_of_the_shift(database: Database) -> None:
    order, driver = place_order(database), make_driver(database)
    with database.transaction() as session:
        van = Vehicle(driver_id=driver.id, type="van")
        session.add(van)
        session.flush()
        session.execute(update(Shift).values(vehicle_id=van.id))
    assign(database, order, driver)
    assert order_of(database, order).vehicle_id == van.id


def test_a_driver_comes_with_no_vehicle_of_somebody_elses(database: Database) -> None:
    order, driver, other = place_order(database), make_driver(database), make_driver(database)
    with database.transaction() as session:
        theirs = session.scalars(select(Vehicle.id).where(Vehicle.driver_id == other.id)).one()
    with pytest.raises(Invalid, match="vehicle"):
        assign(database, order, driver, vehicle_id=theirs)


def test_a_driver_has_one_order_at_a_time(database: Database) -> None:
    driver = make_driver(database)
    first, second = place_order(database), place_order(database)
    assign(database, first, driver)
    with pytest.raises(Busy):
        assign(database, second, driver)
    kept = order_of(database, second)
    assert (kept.state, kept.driver_id) == (S.REQUESTED, None)
    advance(database, first, S.COMPLETED)
    assert assign(database, second, driver).driver_id == driver.id


def test_the_database_itself_lets_no_driver_have_two(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = make_driver(database)
    first, second = place_order(database), place_order(database)
    assign(database, first, driver)
    # As if the look at what the driver has had come too early.
    monkeypatch.setattr("dispatch.orders.rules.TAKEN", frozenset({S.COMPLETED}))
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(second.id))
        with pytest.raises(Busy):
            moving.take(session, held, driver.id, None, party=Party.DISPATCHER, by=None, at=NOON)
    kept = order_of(database, second)
    assert (kept.state, kept.driver_id, kept.revision) == (S.REQUESTED, None, 1)
    assert kinds_of(database, second) == ["requested"]


def test_of_two_drivers_who_are_given_an_order_at_once_one_has_it(database: Database) -> None:
    order, drivers = place_order(database), [make_driver(database) for _ in range(4)]
    ready = Barrier(len(drivers))

    def take(driver_id: int) -> int | str:
        with database.transaction() as session:
            ready.wait()
            held = queries.lock_order(session, queries.by_id(order.id))
            try:
                moving.take(session, held, driver_id, None, party=Party.DISPATCHER, by=None, at=NOON)
            except Taken as refused:
                return refused.code
        return driver_id

    with ThreadPoolExecutor(len(drivers)) as pool:
        results = list(pool.map(take, [driver.id for driver in drivers]))
    assert results.count("taken") == len(drivers) - 1
    assert order_of(database, order).driver_id in results


def test_of_two_orders_that_a_driver_is_given_at_once_one_is_theirs(database: Database) -> None:
    driver, orders = make_driver(database), [place_order(database) for _ in range(4)]
    ready = Barrier(len(orders))

    def take(order_id: int) -> str:
        with database.transaction() as session:
            ready.wait()
            held = queries.lock_order(session, queries.by_id(order_id))
            try:
                moving.take(session, held, driver.id, None, party=Party.DISPATCHER, by=None, at=NOON)
            except Busy as refused:
                return refused.code
        return "theirs"

    with ThreadPoolExecutor(len(orders)) as pool:
        results = list(pool.map(take, [order.id for order in orders]))
    assert sorted(results) == ["busy"] * 3 + ["theirs"]


def test_who_does_not_drive_is_given_no_order(database: Database) -> None:
    order = place_order(database)
    with pytest.raises(NotFound):
        assign(database, order, make_user(database))


def test_once_somebody_comes_the_others_are_asked_no_more(database: Database) -> None:
    order = place_order(database, at_once=2)
    one, other = make_driver(database), make_driver(database)
    offers = [offer.id for each in (one, other) if (offer := make_offer(database, order, each))]
    assign(database, order, make_driver(database))
    with database.transaction() as session:
        states = session.scalars(select(OrderOffer.state).where(OrderOffer.id.in_(offers))).all()
    assert states == [OfferState.WITHDRAWN] * 2


def test_a_cancelled_order_is_offered_to_nobody(database: Database) -> None:
    order = place_order(database)
    make_offer(database, order, make_driver(database))
    cancel(database, order)
    with database.transaction() as session:
        assert session.scalars(select(OrderOffer.state)).all() == [OfferState.WITHDRAWN]


@pytest.mark.parametrize("party", [Party.DRIVER, Party.DISPATCHER, Party.HOUSE])
def test_an_order_that_is_given_back_is_as_new_and_remembers(database: Database, party: Party) -> None:
    order, driver = place_order(database), make_driver(database)
    assign(database, order, driver)
    advance(database, order, S.EN_ROUTE)
    release(database, order, party=party, at=NOON + MINUTE)
    kept = order_of(database, order)
    assert (kept.state, kept.driver_id, kept.vehicle_id) == (S.REQUESTED, None, None)
    assert (kept.accepted_at, kept.en_route_at, kept.arrived_at) == (None, None, None)
    last = events_of(database, order)[-1]
    assert (last.kind, last.party) == ("given_back", party)
    assert last.detail == {"driver": driver.id, "why": "flat tyre"}
    assert assign(database, order, driver).state is S.ACCEPTED


def test_a_passenger_who_sits_in_the_car_is_not_given_back(database: Database) -> None:
    order = place_order(database)
    assign(database, order, make_driver(database))
    advance(database, order, S.IN_PROGRESS)
    with pytest.raises(IllegalMove):
        release(database, order)


def test_a_driver_who_had_to_wait_is_paid_for_it(database: Database) -> None:
    order = place_order(database)
    assign(database, order, make_driver(database))
    advance(database, order, S.ARRIVED, at=NOON)
    advance(database, order, S.IN_PROGRESS, at=NOON + 5 * MINUTE)
    kept = order_of(database, order)
    assert kept.price == order.price + 2 * 50_000  # three of the five minutes are free
    changed = events_of(database, order)[-1]
    assert (changed.kind, changed.detail["price"]) == ("price_changed", kept.price)
    assert changed.detail["lines"][0]["quantity"] == 2
    advance(database, order, S.COMPLETED, at=NOON + 60 * MINUTE)
    assert order_of(database, order).price == kept.price


def test_a_driver_who_came_early_waits_at_their_own_cost(database: Database) -> None:
    order = place_order(database, scheduled_at=NOON + 60 * MINUTE)
    assign(database, order, make_driver(database))
    advance(database, order, S.ARRIVED, at=NOON + 30 * MINUTE)
    advance(database, order, S.IN_PROGRESS, at=NOON + 61 * MINUTE)
    assert order_of(database, order).price == order.price


class TestCancelling:
    """What giving an order up costs, and whose fault it is."""

    def test_before_anybody_accepted_it_is_free(self, database: Database) -> None:
        order = place_order(database)
        cancel(database, order, at=NOON + 60 * MINUTE, why="found another way")
        kept = order_of(database, order)
        assert (kept.state, kept.price, kept.fault) == (S.CANCELLED, 0, None)
        assert (kept.ended_at, kept.why) == (NOON + 60 * MINUTE, "found another way")
        assert kept.quote == order.quote

    def test_two_minutes_after_it_costs_a_share_of_coming_out(self, database: Database) -> None:
        for wait, fee in ((2 * MINUTE, 0), (3 * MINUTE, 1_000_000)):
            order = place_order(database)
            assign(database, order, make_driver(database))
            cancel(database, order, at=NOON + wait)
            kept = order_of(database, order)
            assert (kept.price, kept.fault) == (fee, Party.CUSTOMER)
            assert events_of(database, order)[-1].detail["fee"] == fee

    def test_a_driver_who_is_late_costs_the_customer_nothing(self, database: Database) -> None:
        order, driver = place_order(database), make_driver(database)
        make_offer(database, order, driver, eta_s=300)
        accept(database, driver)
        cancel(database, order, at=NOON + 16 * MINUTE)
        kept = order_of(database, order)
        assert (kept.price, kept.fault) == (0, Party.DRIVER)

    def test_the_desk_may_say_whose_fault_it_is(self, database: Database) -> None:
        for fault, blamed, fee in ((None, Party.HOUSE, 0), (Party.CUSTOMER, Party.CUSTOMER, 1_000_000)):
            order = place_order(database)
            assign(database, order, make_driver(database))
            cancel(database, order, party=Party.DISPATCHER, fault=fault, at=NOON + 5 * MINUTE)
            kept = order_of(database, order)
            assert (kept.price, kept.fault) == (fee, blamed)

    def test_what_is_over_is_not_given_up(self, database: Database) -> None:
        order = place_order(database)
        cancel(database, order)
        with pytest.raises(IllegalMove):
            cancel(database, order)

    def test_a_driver_gives_back_and_does_not_cancel(self, database: Database) -> None:
        order = place_order(database)
        assign(database, order, make_driver(database))
        with pytest.raises(Forbidden):
            cancel(database, order, party=Party.DRIVER)


class TestNoShow:
    """That nobody was there is shown before it is believed."""

    def test_a_driver_who_is_there_has_waited_and_called_is_believed(self, database: Database) -> None:
        order, driver = place_order(database), make_driver(database)
        assign(database, order, driver)
        advance(database, order, S.ARRIVED)
        log_call(database, order, at=NOON + MINUTE)
        drive(database, driver, 100, at=NOON + 3 * MINUTE)
        no_show(database, order, at=NOON + 3 * MINUTE)
        kept = order_of(database, order)
        assert (kept.state, kept.price, kept.fault) == (S.NO_SHOW, 1_600_000, Party.CUSTOMER)
        evidence = events_of(database, order)[-1].detail["evidence"]
        assert evidence["distance_m"] == pytest.approx(100, rel=0.01)
        assert (evidence["waited_s"], evidence["calls"], evidence["age_s"]) == (180, 1, 0)

    def test_all_that_is_missing_is_said_and_nothing_has_changed(self, database: Database) -> None:
        order, driver = place_order(database), make_driver(database)
        assign(database, order, driver)
        # A call to somebody who is not yet waited for shows nothing.
        log_call(database, order, at=NOON - MINUTE)
        advance(database, order, S.ARRIVED)
        with pytest.raises(NotShown) as refused:
            no_show(database, order, at=NOON + MINUTE)
        for missing in ("300 m from the pickup", "wait 120 s more", "call the customer"):
            assert missing in refused.value.message
        assert order_of(database, order).state is S.ARRIVED

    def test_nobody_is_missed_before_the_driver_is_there(self, database: Database) -> None:
        order = place_order(database)
        assign(database, order, make_driver(database))
        with pytest.raises(IllegalMove):
            no_show(database, order, at=NOON)

    def test_nobody_is_called_for_an_order_without_a_driver(self, database: Database) -> None:
        with pytest.raises(Conflict):
            log_call(database, place_order(database), at=NOON)


def test_each_service_has_a_tariff_of_its_own(database: Database) -> None:
    make_tariff(database, Service.TOW, minimum=9_000_000)
    order = place_order(database, service=Service.TOW, vehicle={"plate": "01 A 777 AA"})
    assert order.price == 9_000_000
