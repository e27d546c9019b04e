"""Being a driver: shifts, vehicles, licence, and what one is judged by."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from db import places
from db.models import AuditEntry, Driver, Message, Order, OrderOffer, Shift, User
from db.session import Database
from db.states import OfferState, OrderState, Party, Role, Service
from dispatch.fleet import lapses, shifts
from dispatch.fleet.rules import FORGOTTEN, Ended
from dispatch.matching import drivers
from dispatch.orders import moving, offers, queries
from tests.asking import make_offer
from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields
from tests.maps import make_region
from tests.ordering import advance, assign, cancel, make_driver, place_order

ME = "/api/v1/drivers/me/"
TRUCK = {"type": "flatbed", "registration": "01 A 123 BC", "name": "Isuzu NQR", "payload_kg": 4_000}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MORNING = datetime(2026, 3, 2, 6, tzinfo=UTC)
"""A Monday, eleven o'clock in Tashkent."""


@pytest.fixture
def driver(database: Database) -> User:
    """Somebody who holds the role, and told nothing yet."""
    return make_user(database, Role.DRIVER, name="Rustam Driver")


@pytest.fixture
def desk(database: Database) -> User:
    return make_user(database, Role.DISPATCHER)


def start(api: Api, driver: User, **said: Any) -> dict[str, Any]:
    answer = api.post(f"{ME}shifts/", driver, json=said)
    assert answer.status_code == 201, answer.text
    shift: dict[str, Any] = answer.json()
    return shift


def look(
    api: Api, driver: User, path: str = "", wanted: dict[str, Any] | None = None, *, by: User | None = None
) -> Any:
    whose = f"/api/v1/drivers/{driver.id}/" if by else ME
    answer = api.get(f"{whose}{path}", by or driver, params=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


def add_vehicle(api: Api, driver: User, **said: Any) -> int:
    answer = api.post(f"{ME}vehicles/", driver, json=TRUCK | said)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


def licence_until(api: Api, driver: User, day: date) -> Any:
    said = {"category": "C", "number": "AF 1234567", "expires_on": str(day)}
    return api.call("PUT", f"{ME}licence/", driver, json=said)


def shifts_of(database: Database, driver: User) -> list[Shift]:
    with database.transaction() as session:
        return list(reversed(shifts.list_shifts(session, driver.id)))


def offer_to(database: Database, order: Order, driver: User, *, at: datetime) -> OrderOffer:
    made = make_offer(database, order, driver, at=at)
    assert made is not None
    return made


def look_after_shifts(database: Database, *, at: datetime) -> list[Ended]:
    with database.transaction() as session:
        lapsed = lapses.look(session, at=at)
    for each in lapsed:
        with database.transaction() as session:
            lapses.attend(session, each, at=at)
    return [each.why for each in lapsed]


# Shifts.


def test_a_driver_is_online_for_as_long_as_a_shift_goes_on(api: Api, driver: User) -> None:
    assert look(api, driver)["online"] is False
    shift = start(api, driver)
    shown = look(api, driver)
    assert (shown["online"], shown["shift"]) == (True, shift)
    ended = api.post(f"{ME}shifts/end/", driver).json()
    assert (ended["id"], ended["why_ended"]) == (shift["id"], "offline")
    shown = look(api, driver)
    assert (shown["online"], shown["shift"]) == (False, None)


def test_a_shift_that_is_started_twice_is_one_shift(api: Api, driver: User) -> None:
    assert start(api, driver) == start(api, driver)
    assert len(look(api, driver, "shifts/")["items"]) == 1


def test_a_shift_that_is_started_by_two_phones_at_once_is_one_shift(database: Database, driver: User) -> None:
    together = threading.Barrier(2)

    def start_one() -> int:
        with database.transaction() as session:
            together.wait()
            return shifts.start(session, driver.id, at=MORNING).id

    with ThreadPoolExecutor(2) as phones:
        one, other = (phone.result() for phone in [phones.submit(start_one) for _ in range(2)])
    assert one == other
    assert [shift.id for shift in shifts_of(database, driver)] == [one]


def test_a_shift_ends_once(api: Api, driver: User) -> None:
    start(api, driver)
    assert api.post(f"{ME}shifts/end/", driver).status_code == 200
    assert api.post(f"{ME}shifts/end/", driver).status_code == 409


def test_a_shift_begins_with_the_newest_vehicle_unless_another_is_named(api: Api, driver: User) -> None:
    first, second = add_vehicle(api, driver), add_vehicle(api, driver, name="MAN TGL")
    shift = start(api, driver)
    assert shift["vehicle_id"] == second
    other = start(api, driver, vehicle_id=first)
    assert other["vehicle_id"] == first
    assert look(api, driver)["vehicle"]["id"] == first
    newest, oldest = look(api, driver, "shifts/")["items"]
    assert (newest["id"], oldest["why_ended"]) == (other["id"], "other_vehicle")


def test_nobody_drives_the_vehicle_of_another(api: Api, database: Database, driver: User) -> None:
    other = make_user(database, Role.DRIVER)
    theirs = add_vehicle(api, other)
    assert api.post(f"{ME}shifts/", driver, json={"vehicle_id": theirs}).status_code == 404
    assert api.call("PUT", f"{ME}vehicles/{theirs}/", driver, json=TRUCK).status_code == 404
    assert api.call("DELETE", f"{ME}vehicles/{theirs}/", driver).status_code == 404


def test_shifts_are_read_page_by_page(api: Api, driver: User) -> None:
    for _ in range(3):
        start(api, driver)
        api.post(f"{ME}shifts/end/", driver)
        api.later(hours=1)
    first = look(api, driver, "shifts/", {"limit": 2})
    second = look(api, driver, "shifts/", {"limit": 2, "cursor": first["next"]})
    numbers = [each["id"] for each in first["items"] + second["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert (len(numbers), second["next"]) == (3, None)


def test_who_goes_offline_leaves_an_open_offer_to_the_next(api: Api, database: Database) -> None:
    driver = make_driver(database, at=api.now())
    order = place_order(database, at=api.now())
    offer = offer_to(database, order, driver, at=api.now())
    api.post(f"{ME}shifts/end/", driver)
    with database.transaction() as session:
        assert session.get_one(OrderOffer, offer.id).state is OfferState.WITHDRAWN
        assert session.get_one(Order, order.id).state is OrderState.REQUESTED


def test_who_goes_offline_keeps_the_order_on_hand(api: Api, database: Database) -> None:
    driver = make_driver(database, at=api.now())
    order = place_order(database, at=api.now())
    assign(database, order, driver, at=api.now())
    api.post(f"{ME}shifts/end/", driver)
    shown = look(api, driver)
    assert (shown["online"], shown["order"]) == (False, order.id)


def test_a_blocked_driver_and_one_whose_role_is_taken_are_on_no_shift(api: Api, database: Database) -> None:
    admin = make_user(database, Role.ADMIN)
    blocked, former = make_driver(database), make_driver(database)
    offer = offer_to(database, place_order(database, at=api.now()), blocked, at=api.now())
    api.post(f"/api/v1/users/{blocked.uuid}/block/", admin)
    api.call("DELETE", f"/api/v1/users/{former.uuid}/roles/driver/", admin)
    (one,), (other,) = shifts_of(database, blocked), shifts_of(database, former)
    assert (one.why_ended, other.why_ended) == ("blocked", "no_driver")
    with database.transaction() as session:
        assert session.get_one(OrderOffer, offer.id).state is OfferState.WITHDRAWN


def test_a_desk_sends_somebody_off_and_it_is_written_down(
    api: Api, database: Database, desk: User, driver: User
) -> None:
    start(api, driver)
    ended = api.post(f"/api/v1/drivers/{driver.id}/shifts/end/", desk)
    assert ended.json()["why_ended"] == "desk"
    with database.transaction() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "shift.ended")).one()
    assert (entry.actor_id, entry.subject_id) == (desk.id, str(driver.uuid))


# The licence.


def test_no_shift_begins_with_a_licence_that_is_over(api: Api, database: Database, driver: User) -> None:
    assert licence_until(api, driver, api.now().date() + DAY).status_code == 200
    api.later(days=2)
    refused = api.post(f"{ME}shifts/", driver, json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "licence_expired")
    assert "enter the new one" in refused.json()["detail"]
    assert shifts_of(database, driver) == []
    licence_until(api, driver, api.now().date() + 365 * DAY)
    start(api, driver)


def test_a_licence_that_is_over_is_not_entered(api: Api, driver: User) -> None:
    refused = licence_until(api, driver, api.now().date())
    assert refused.status_code == 422
    assert wrong_fields(refused) == {"expires_on": "must be in the future"}
    assert look(api, driver)["licence"] is None


def test_a_licence_is_shown_with_the_days_that_are_left(api: Api, driver: User) -> None:
    until = api.now().date() + 30 * DAY
    shown = licence_until(api, driver, until).json()["licence"]
    assert (shown["expires_on"], shown["expired"], shown["days_left"]) == (str(until), False, 30)
    api.later(days=31)
    shown = look(api, driver)["licence"]
    assert (shown["expired"], shown["days_left"]) == (True, 0)


def test_a_shift_ends_with_the_licence_and_its_driver_is_told_once(
    api: Api, database: Database, driver: User
) -> None:
    licence_until(api, driver, api.now().date() + 30 * DAY)
    start(api, driver)
    assert look_after_shifts(database, at=api.now()) == []
    for days, lapsed in ((30, []), (1, [Ended.LICENCE_EXPIRED])):
        api.later(days=days)
        api.post("/api/v1/location/update/", driver, json={"latitude": 41.3, "longitude": 69.2})
        at = api.now()
        assert look_after_shifts(database, at=at) == lapsed
    assert look_after_shifts(database, at=at) == []
    (shift,) = shifts_of(database, driver)
    assert (shift.ended_at, shift.why_ended) == (at, "licence_expired")
    assert look(api, driver)["online"] is False
    with database.transaction() as session:
        assert session.scalars(select(Message.text)).all() == ["shift.licence_expired"]


def test_who_has_to_renew_is_reminded_once_for_each_licence(
    api: Api, database: Database, driver: User
) -> None:
    licence_until(api, driver, api.now().date() + 10 * DAY)
    for _ in range(2):
        start(api, driver)
        api.post(f"{ME}shifts/end/", driver)
    with database.transaction() as session:
        assert session.scalars(select(Message.text)).all() == ["shift.licence_soon"]


# Shifts that were forgotten.


def test_who_forgot_to_go_offline_was_there_until_the_last_sign(database: Database) -> None:
    driver = make_driver(database, at=MORNING, metres=None)
    last_sign = MORNING + HOUR
    with database.transaction() as session:
        places.move(session, driver.id, lat=41.3, lon=69.2, at=last_sign)
    assert look_after_shifts(database, at=last_sign + FORGOTTEN) == []
    assert look_after_shifts(database, at=last_sign + FORGOTTEN + HOUR) == [Ended.FORGOTTEN]
    (shift,) = shifts_of(database, driver)
    assert (shift.ended_at, shift.why_ended) == (last_sign, "forgotten")


def test_who_has_an_order_has_not_gone_home(database: Database) -> None:
    driver = make_driver(database, at=MORNING)
    assign(database, place_order(database, at=MORNING), driver, at=MORNING)
    assert look_after_shifts(database, at=MORNING + DAY) == []


def test_who_says_something_after_the_look_goes_on(database: Database) -> None:
    driver = make_driver(database, at=MORNING)
    at = MORNING + DAY
    with database.transaction() as session:
        (lapse,) = lapses.look(session, at=at)
        places.move(session, driver.id, lat=41.3, lon=69.2, at=at)
    with database.transaction() as session:
        lapses.attend(session, lapse, at=at)
        assert shifts.find_open(session, driver.id) is not None


# Vehicles and profile.


def test_vehicles_are_added_changed_and_retired(api: Api, driver: User) -> None:
    number = add_vehicle(api, driver)
    changed = api.call("PUT", f"{ME}vehicles/{number}/", driver, json=TRUCK | {"lift": True, "seats": 3})
    assert (changed.json()["lift"], changed.json()["seats"]) == (True, 3)
    assert look(api, driver, "vehicles/") == [changed.json()]
    assert api.call("DELETE", f"{ME}vehicles/{number}/", driver).status_code == 204
    assert look(api, driver, "vehicles/") == []
    assert api.call("DELETE", f"{ME}vehicles/{number}/", driver).status_code == 404


def test_a_vehicle_somebody_is_out_with_is_not_retired(api: Api, database: Database) -> None:
    driver = make_driver(database, at=api.now())
    number = look(api, driver)["vehicle"]["id"]
    order = place_order(database, at=api.now())
    assign(database, order, driver, at=api.now())
    for end in (f"{ME}shifts/end/", None):
        refused = api.call("DELETE", f"{ME}vehicles/{number}/", driver)
        assert (refused.status_code, refused.json()["code"]) == (409, "vehicle_in_use")
        if end:
            api.post(end, driver)
    advance(database, order, OrderState.COMPLETED, at=api.now())
    assert api.call("DELETE", f"{ME}vehicles/{number}/", driver).status_code == 204
    with database.transaction() as session:
        assert session.get_one(Order, order.id).vehicle_id == number


def test_a_profile_names_services_and_regions_that_there_are(
    api: Api, database: Database, driver: User
) -> None:
    make_region(database, "north")
    said = {"services": ["tow", "repair"], "regions": ["north"]}
    shown = api.call("PUT", ME, driver, json=said).json()
    assert (shown["services"], shown["regions"]) == (["repair", "tow"], ["north"])
    refused = api.call("PUT", ME, driver, json=said | {"regions": ["south"]})
    assert (refused.status_code, list(wrong_fields(refused))) == (422, ["regions"])
    assert look(api, driver)["regions"] == ["north"]


def test_a_place_is_shown_with_its_age_and_as_stale_when_it_is(api: Api, driver: User) -> None:
    api.post("/api/v1/location/update/", driver, json={"latitude": 41.3, "longitude": 69.2})
    assert look(api, driver)["place"]["stale"] is False
    api.later(minutes=10)
    place = look(api, driver)["place"]
    assert (place["stale"], place["age_s"] >= 600) == (True, True)


# What the desk sees.


def test_a_desk_finds_drivers(api: Api, database: Database, desk: User) -> None:
    towing = make_driver(database, services=(Service.TOW,), name="Timur Tow")
    riding = make_driver(database, services=(Service.RIDE,), name="Rano Ride", online=False)

    def found(**wanted: Any) -> list[int]:
        answer = api.get("/api/v1/drivers/", desk, params=wanted)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    plate = look(api, towing, by=desk)["vehicle"]["registration"]
    assert found() == [riding.id, towing.id]
    assert found(online=True) == found(service="tow") == found(search=plate) == [towing.id]
    assert found(online=False) == found(search="rano") == [riding.id]
    assert found(search=towing.phone) == [towing.id]


def test_drivers_are_read_page_by_page(api: Api, database: Database, desk: User) -> None:
    everybody = [make_driver(database).id for _ in range(3)]
    first = api.get("/api/v1/drivers/", desk, params={"limit": 2}).json()
    second = api.get("/api/v1/drivers/", desk, params={"limit": 2, "cursor": first["next"]}).json()
    assert [each["id"] for each in first["items"] + second["items"]] == everybody[::-1]
    assert second["next"] is None


def test_who_is_no_driver_is_none_to_a_desk_either(api: Api, database: Database, desk: User) -> None:
    customer = make_user(database)
    for number in (customer.id, 4_711_000):
        assert api.get(f"/api/v1/drivers/{number}/", desk).status_code == 404
    assert api.get("/api/v1/drivers/you/", desk).status_code == 422


# What drivers are judged by.


def test_the_ledger_adds_up_to_what_matching_judges_by(api: Api, database: Database) -> None:
    at = api.now()
    driver = make_driver(database, at=at - 30 * HOUR)
    answers: list[tuple[float, OfferState | None]] = [
        (100, OfferState.ACCEPTED),
        (50, OfferState.DECLINED),
        (20, OfferState.EXPIRED),
        (3, OfferState.WITHDRAWN),
        (24 * 8, OfferState.ACCEPTED),
        (0, None),
    ]
    for hours_ago, answer in answers:
        order = place_order(database, at=at - hours_ago * HOUR)
        offer = offer_to(database, order, driver, at=at - hours_ago * HOUR)
        if answer is not None:
            with database.transaction() as session:
                said = {"state": answer, "answered_at": offer.until_at}
                session.execute(update(OrderOffer).where(OrderOffer.id == offer.id).values(**said))
    shown = look(api, driver, "ledger/")
    with database.transaction() as session:
        judged = drivers.find_standings(session, [driver.id], at=at)[driver.id]
    standing = shown["standing"]
    for name in ("offers", "accepts", "hours", "work"):
        assert standing[name] == pytest.approx(getattr(judged, name), rel=0.01), name
    kinds = [line["kind"] for line in shown["items"]]
    assert sorted(kinds) == sorted(["offered"] * 5 + ["accepted", "declined", "expired", "hours"])
    ages = [line["at"] for line in shown["items"]]
    assert ages == sorted(ages, reverse=True)
    for line in shown["items"]:
        assert 0 < line["weight"] <= line["amount"]


def test_earnings_are_parted_by_the_days_of_the_place(api: Api, database: Database) -> None:
    driver = make_driver(database, at=MORNING)
    prices = []
    # Half past ten at night in Tashkent, and half past one of the day after.
    for ended_at in (MORNING + 11.5 * HOUR, MORNING + 14.5 * HOUR):
        order = place_order(database, at=ended_at)
        assign(database, order, driver, at=ended_at)
        prices.append(advance(database, order, OrderState.COMPLETED, at=ended_at).price)
    with database.transaction() as session:
        shifts.end(session, driver.id, why=Ended.OFFLINE, at=MORNING + 16 * HOUR)
    wanted = {"since": "2026-03-01", "until": "2026-03-04", "timezone": "Asia/Tashkent"}
    third, second, first = look(api, driver, "earnings/", wanted)["items"]
    assert (first["begins_on"], first["sums"], first["hours"]) == ("2026-03-01", [], 0)
    assert (second["begins_on"], second["hours"]) == ("2026-03-02", 13.0)
    assert (third["begins_on"], third["hours"]) == ("2026-03-03", 3.0)
    for day, price in zip((second, third), prices, strict=True):
        (earned,) = day["sums"]
        assert (earned["currency"], earned["orders"]) == ("UZS", 1)
        assert (earned["fares"], earned["fees"], earned["total"]) == (price, 0, price)
        assert earned["distance_m"] > 0
    (week,) = look(api, driver, "earnings/", wanted | {"by": "week", "since": "2026-03-02"})["items"]
    assert (week["begins_on"], week["hours"]) == ("2026-03-02", 16.0)
    assert week["sums"][0]["total"] == sum(prices)


def test_a_fee_for_what_fell_through_is_earned_and_nothing_else_of_it(api: Api, database: Database) -> None:
    driver = make_driver(database, at=MORNING)
    for given_up_at in (MORNING, MORNING + HOUR):
        order = place_order(database, at=MORNING)
        assign(database, order, driver, at=MORNING)
        ended = cancel(database, order, at=given_up_at)
    assert ended.price > 0
    (day,) = look(api, driver, "earnings/", {"since": "2026-03-02", "until": "2026-03-03"})["items"]
    (earned,) = day["sums"]
    assert (earned["orders"], earned["fares"], earned["fees"]) == (0, 0, ended.price)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"timezone": "Asia/Nowhere"}, "timezone"),
        ({"by": "year"}, "by"),
        ({"until": "0001-01-02"}, "until"),
        ({"since": "9999-12-31"}, "since"),
        ({"since": "2026-03-02", "until": "2026-03-02"}, "body"),
    ],
)
def test_earnings_that_cannot_be_added_up_are_told(
    api: Api, driver: User, said: dict[str, str], field: str
) -> None:
    refused = api.get(f"{ME}earnings/", driver, params=said)
    assert refused.status_code == 422
    assert list(wrong_fields(refused)) == [field]


def test_days_to_come_have_no_earnings(api: Api, driver: User) -> None:
    assert look(api, driver, "earnings/", {"since": "2099-12-31"})["items"] == []


def test_statistics_tell_how_one_answers_and_what_became_of_it(api: Api, database: Database) -> None:
    driver = make_driver(database, at=MORNING)
    done, gave_back, refused, lost = (place_order(database, at=MORNING) for _ in range(4))
    taken = offer_to(database, done, driver, at=MORNING)
    with database.transaction() as session:
        offers.accept(session, taken.uuid, by=driver.id, via="test", at=MORNING + timedelta(seconds=10))
    advance(database, done, OrderState.COMPLETED, at=MORNING + HOUR)
    again = offer_to(database, gave_back, driver, at=MORNING + HOUR)
    with database.transaction() as session:
        at = MORNING + HOUR + timedelta(seconds=20)
        offers.accept(session, again.uuid, by=driver.id, via="test", at=at)
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(gave_back.id))
        at = MORNING + HOUR + timedelta(minutes=5)
        moving.release(session, held, party=Party.DRIVER, by=driver.id, at=at, why="flat tyre")
    no = offer_to(database, refused, driver, at=MORNING + HOUR)
    with database.transaction() as session:
        at = MORNING + HOUR + timedelta(seconds=6)
        offers.decline(session, no.uuid, by=driver.id, via="test", at=at)
    silent = offer_to(database, lost, driver, at=MORNING + HOUR)
    with database.transaction() as session:
        said = {"state": OfferState.EXPIRED, "answered_at": silent.until_at}
        session.execute(update(OrderOffer).where(OrderOffer.id == silent.id).values(**said))
        shifts.end(session, driver.id, why=Ended.OFFLINE, at=MORNING + 2 * HOUR)
    span = {"since": str(MORNING), "until": str(MORNING + DAY)}
    shown = look(api, driver, "statistics/", span)
    assert (shown["offers"], shown["accepted"], shown["declined"], shown["expired"]) == (4, 2, 1, 1)
    assert shown["acceptance_share"] == 0.5
    assert shown["answer_p50_s"] == 10
    assert (shown["completed"], shown["given_back"], shown["completion_share"]) == (1, 1, 0.5)
    assert (shown["hours"], shown["completed_per_hour"]) == (2, 0.5)
    after = {"since": str(MORNING + DAY), "until": str(MORNING + 2 * DAY)}
    nothing = look(api, driver, "statistics/", after)
    assert (nothing["offers"], nothing["acceptance_share"], nothing["completed_per_hour"]) == (0, None, None)


def test_a_desk_reads_what_a_driver_reads(api: Api, database: Database, desk: User, driver: User) -> None:
    other = make_user(database, Role.DRIVER)
    for path in ("", "vehicles/", "shifts/", "earnings/"):
        assert look(api, driver, path, by=desk) == look(api, driver, path)
        assert api.get(f"/api/v1/drivers/{driver.id}/{path}", other).status_code == 404
    assert look(api, driver, by=driver) == look(api, driver)


# Passengers.


def test_a_passenger_says_what_they_cannot_ride_without(api: Api, database: Database) -> None:
    passenger, path = make_user(database), "/api/v1/passengers/me/"
    assert api.get(path, passenger).json() == {"category": "", "needs": [], "companion": False}
    said = {"category": "I", "needs": ["ramp", "lift", "ramp"], "companion": True}
    kept = api.call("PUT", path, passenger, json=said)
    assert kept.json() == {"category": "I", "needs": ["lift", "ramp"], "companion": True}
    assert api.get(path, passenger).json() == kept.json()
    refused = api.call("PUT", path, passenger, json=said | {"needs": ["wings"]})
    assert (refused.status_code, list(wrong_fields(refused))) == (422, ["needs.0"])


def test_a_driver_without_a_row_is_a_driver(api: Api, database: Database, driver: User) -> None:
    shown = look(api, driver)
    assert (shown["services"], shown["vehicles"], shown["place"]) == ([], [], None)
    with database.transaction() as session:
        assert session.get(Driver, driver.id) is None
