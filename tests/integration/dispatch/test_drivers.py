"""Who may take an order, on a real database."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from db.models import Driver, Order, OrderOffer, Region, Shift, User, Vehicle, VehicleType
from db.session import Database
from db.states import Need, OfferState, OrderState, Role, Service, UserStatus
from dispatch.matching import drivers, fairness
from dispatch.matching.driver_rules import ASK_AGAIN, REACH_M, Reason
from dispatch.matching.drivers import Candidate
from dispatch.matching.fairness import Entry, Given
from dispatch.matching.rules import FRESH
from dispatch.matching.settings import current_policy
from tests.builders import NOON, make_user
from tests.helping import make_phone
from tests.ordering import assign, make_driver, place_order, release

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def look(database: Database, order: Order, **said: Any) -> list[Candidate]:
    with database.transaction() as session:
        return drivers.find_candidates(session, session.get_one(Order, order.id), at=NOON, **said)


def reasons(database: Database, order: Order) -> dict[int, list[Reason]]:
    return {each.driver_id: list(each.reasons) for each in look(database, order)}


def change(database: Database, who: User, **said: Any) -> User:
    with database.transaction() as session:
        session.execute(update(Driver).where(Driver.user_id == who.id).values(**said))
    return who


def give_offer(database: Database, order: Order, driver: User, state: OfferState, **said: Any) -> None:
    known = {"offered_at": NOON, "until_at": NOON + 30 * SECOND, "terms": {}} | said
    with database.transaction() as session:
        session.add(OrderOffer(order_id=order.id, driver_id=driver.id, state=state, **known))


def test_the_best_comes_first_with_distance_terms_and_what_they_come_with(database: Database) -> None:
    far = make_driver(database, metres=4_000)
    near = make_driver(database, metres=500, name="Sardor Near", registration="01 A 777 AA")
    found = look(database, place_order(database))
    assert [each.driver_id for each in found] == [near.id, far.id]
    best = found[0]
    assert best.distance_m == pytest.approx(500, abs=2)
    assert best.vehicle is not None
    assert (best.name, best.vehicle.registration) == ("Sardor Near", "01 A 777 AA")
    assert best.score is not None
    assert set(best.score.terms) >= {"eta_s", "region_s", "fairness_s"}
    assert found[1].score is not None
    assert best.score.total_s < found[1].score.total_s


def test_everybody_who_is_not_asked_is_shown_with_the_reason(database: Database) -> None:
    customer = make_driver(database)
    order = place_order(database, customer, service=Service.TOW)
    other = place_order(database, service=Service.TOW)
    cases = {
        make_driver(database).id: [],
        customer.id: [Reason.IS_THE_CUSTOMER],
        make_driver(database, metres=REACH_M + 100).id: [Reason.TOO_FAR],
        make_driver(database, services=(Service.RIDE,)).id: [Reason.OTHER_SERVICE],
        change(database, make_driver(database), online=False).id: [Reason.NOT_ONLINE],
        change(database, make_driver(database), licence_expires_on=(NOON - 24 * HOUR).date()).id: [
            Reason.LICENCE_EXPIRED
        ],
        make_driver(database, metres=None).id: [Reason.PLACE_TOO_OLD, Reason.CANNOT_BE_REACHED],
    }
    blocked, revoked, silent, called = (make_driver(database) for _ in range(4))
    with database.transaction() as session:
        session.execute(update(User).where(User.id == blocked.id).values(status=UserStatus.BLOCKED))
        session.execute(text("DELETE FROM user_roles WHERE user_id = :id"), {"id": revoked.id})
        session.execute(
            text("UPDATE last_places SET at = :at WHERE user_id IN (:one, :other)"),
            {"at": NOON - FRESH - SECOND, "one": silent.id, "other": called.id},
        )
    make_phone(database, called, "a-phone")
    cases |= {
        blocked.id: [Reason.ACCOUNT_BLOCKED],
        revoked.id: [Reason.NO_DRIVER],
        silent.id: [Reason.PLACE_TOO_OLD, Reason.CANNOT_BE_REACHED],
        called.id: [Reason.PLACE_TOO_OLD],
    }
    busy, asked = make_driver(database), make_driver(database)
    assign(database, other, busy)
    give_offer(database, other, asked, OfferState.OPEN)
    cases |= {busy.id: [Reason.ON_ANOTHER_ORDER], asked.id: [Reason.OFFER_OPEN]}
    assert reasons(database, order) == cases


def test_a_vehicle_that_cannot_is_told_by_what_it_lacks(database: Database) -> None:
    plain = make_driver(database)
    fitted = make_driver(database, lift=True, child_seats=1, seats=7)
    none = make_driver(database)
    with database.transaction() as session:
        session.execute(update(Vehicle).where(Vehicle.driver_id == none.id).values(retired_at=NOON))
    order = place_order(database, needs=(Need.LIFT, Need.CHILD_SEAT), seats=4)
    assert reasons(database, order) == {
        plain.id: [Reason.NO_LIFT, Reason.NO_CHILD_SEAT],
        fitted.id: [],
        none.id: [Reason.NO_VEHICLE],
    }


def test_what_is_towed_must_not_weigh_more_than_the_truck_can_carry(database: Database) -> None:
    with database.transaction() as session:
        session.add(
            VehicleType(slug="lorry", name="Lorry", services=["tow"], base_price=1, weight_kg=9_000, rank=9)
        )
    small, large = make_driver(database, payload_kg=3_000), make_driver(database, payload_kg=12_000)
    order = place_order(database, service=Service.TOW, vehicle_type="lorry")
    assert reasons(database, order) == {small.id: [Reason.TOO_HEAVY], large.id: []}


def test_who_drives_in_the_very_region_comes_first_and_who_drives_elsewhere_not_at_all(
    database: Database,
) -> None:
    with database.transaction() as session:
        session.add_all([Region(slug="here", name="Here"), Region(slug="elsewhere", name="Elsewhere")])
    order = place_order(database)
    with database.transaction() as session:
        session.execute(update(Order).where(Order.id == order.id).values(region="here"))
    anywhere = make_driver(database, metres=300)
    local = change(database, make_driver(database, metres=400), regions=["here"])
    foreign = change(database, make_driver(database, metres=100), regions=["elsewhere"])
    found = look(database, order)
    assert [each.driver_id for each in found] == [local.id, anywhere.id, foreign.id]
    assert found[2].reasons == [Reason.OTHER_REGION]


def test_who_said_no_is_not_asked_again_and_who_was_silent_only_after_a_while(database: Database) -> None:
    order = place_order(database)
    declined, silent, lately, withdrawn, back = (make_driver(database) for _ in range(5))
    long_ago = NOON - ASK_AGAIN - HOUR
    give_offer(database, order, declined, OfferState.DECLINED, offered_at=long_ago, until_at=long_ago)
    give_offer(database, order, silent, OfferState.EXPIRED, offered_at=long_ago, until_at=long_ago)
    give_offer(database, order, lately, OfferState.EXPIRED, until_at=NOON - SECOND)
    give_offer(database, order, withdrawn, OfferState.WITHDRAWN)
    give_offer(database, order, back, OfferState.ACCEPTED)
    assign(database, order, back)
    release(database, order)
    assert reasons(database, order) == {
        declined.id: [Reason.ASKED_ALREADY],
        silent.id: [],
        lately.id: [Reason.ASKED_ALREADY],
        withdrawn.id: [],
        back.id: [Reason.ASKED_ALREADY],
    }


def test_how_far_is_too_far_is_what_the_rounds_go_by(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = make_driver(database, metres=300), make_driver(database, metres=700)
    monkeypatch.setenv("MAYDAY_ORDERS_REACH_M", "500")
    current_policy.cache_clear()
    try:
        assert reasons(database, place_order(database)) == {near.id: [], far.id: [Reason.TOO_FAR]}
    finally:
        current_policy.cache_clear()


def test_near_ones_who_cannot_come_hide_nobody_behind_them(database: Database) -> None:
    for _ in range(6):
        make_driver(database, online=False, metres=10)
    driver = make_driver(database, metres=5_000)
    assert look(database, place_order(database), limit=5)[0].driver_id == driver.id


def test_a_driver_comes_with_the_vehicle_of_their_shift(database: Database) -> None:
    driver = make_driver(database, registration="01 A 001 AA")
    with database.transaction() as session:
        van = Vehicle(driver_id=driver.id, type="van", registration="01 A 002 AA", seats=8)
        session.add(van)
        session.flush()
        session.execute(update(Shift).where(Shift.driver_id == driver.id).values(vehicle_id=van.id))
    (found,) = look(database, place_order(database, seats=7))
    assert found.vehicle is not None
    assert (found.vehicle.registration, found.reasons) == ("01 A 002 AA", [])


def test_a_standing_is_what_the_ledger_adds_up_to(database: Database) -> None:
    busy, idle = make_driver(database, at=NOON - 3 * HOUR), make_driver(database, at=NOON - 200 * HOUR)
    order = place_order(database)
    entries = fairness.hours(NOON - 3 * HOUR, None, NOON)
    with database.transaction() as session:
        session.add(
            Shift(
                driver_id=busy.id, started_at=NOON - 90 * HOUR, ended_at=NOON - 80 * HOUR, why_ended="tired"
            )
        )
    entries += fairness.hours(NOON - 90 * HOUR, NOON - 80 * HOUR, NOON)
    for hours, state in ((1, OfferState.ACCEPTED), (30, OfferState.DECLINED), (500, OfferState.ACCEPTED)):
        offered_at = NOON - hours * HOUR
        give_offer(database, order, busy, state, offered_at=offered_at, until_at=offered_at)
        entries.append(Entry(Given.OFFERED, offered_at))
        entries += [Entry(Given.ACCEPTED, offered_at)] * (state is OfferState.ACCEPTED)
    with database.transaction() as session:
        found = drivers.find_standings(session, [busy.id, idle.id], at=NOON)
    told = fairness.standing(entries, NOON)
    assert found[busy.id].offers == pytest.approx(told.offers)
    assert found[busy.id].accepts == pytest.approx(told.accepts)
    assert found[busy.id].hours == pytest.approx(told.hours, rel=1e-3)
    week = fairness.standing(fairness.hours(NOON - 200 * HOUR, None, NOON), NOON)
    assert found[idle.id].hours == pytest.approx(week.hours, rel=1e-3)
    assert found[busy.id].share(0.1) > found[idle.id].share(0.1)


def test_what_is_known_of_a_driver_is_read_anew_after_a_minute(database: Database) -> None:
    driver, order, known = make_driver(database), place_order(database), drivers.Standings()

    def offers(at: datetime) -> float:
        with database.transaction() as session:
            return known.of(session, [driver.id], at=at)[driver.id].offers

    assert offers(NOON) == 0
    give_offer(database, order, driver, OfferState.DECLINED)
    assert offers(NOON + 59 * SECOND) == 0
    assert offers(NOON + 60 * SECOND) == pytest.approx(1, abs=0.01)


def test_who_had_less_of_the_work_comes_first_where_both_would_be_there_about_as_soon(
    database: Database,
) -> None:
    busy, idle = (make_driver(database, metres=metres, at=NOON - 8 * HOUR) for metres in (300, 500))
    done = place_order(database)
    for number in range(6):
        offered_at = NOON - number * HOUR
        give_offer(database, done, busy, OfferState.ACCEPTED, offered_at=offered_at, until_at=offered_at)
    with database.transaction() as session:
        session.execute(text("UPDATE last_places SET at = :at"), {"at": NOON})
        session.execute(update(Order).where(Order.id == done.id).values(state=OrderState.CANCELLED))
    found = look(database, place_order(database))
    assert [each.driver_id for each in found] == [idle.id, busy.id]
    assert found[0].score is not None
    assert found[0].score.terms["fairness_s"] < 0


def test_somebody_without_a_drivers_profile_is_nobody_to_ask(database: Database) -> None:
    make_user(database, Role.DRIVER)
    assert look(database, place_order(database)) == []
