"""Orders over HTTP, as their customer, their driver and a desk meet them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from db.models import Order, Tariff, User
from db.session import Database
from db.states import Role, Service
from tests.asking import make_offer
from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields
from tests.maps import make_region, ring
from tests.ordering import assign, drive, make_driver, make_tariff, place_order
from tests.pictures import PNG

PATH = "/api/v1/orders/"
RIDE: dict[str, Any] = {
    "service": "ride",
    "pickup": {"lat": 41.311081, "lon": 69.240562, "address": "Amir Temur 15"},
    "dropoff": {"lat": 41.35, "lon": 69.24, "address": "Airport"},
}


@pytest.fixture
def customer(database: Database) -> User:
    make_tariff(database)
    return make_user(database, name="Nodira Yusupova")


@pytest.fixture
def desk(database: Database) -> User:
    return make_user(database, Role.DISPATCHER, name="Malika Desk")


def order(api: Api, by: User, **said: Any) -> dict[str, Any]:
    answer = api.post(PATH, by, json=RIDE | said)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def look(api: Api, made: dict[str, Any], by: User) -> dict[str, Any]:
    answer = api.get(f"{PATH}{made['id']}/", by)
    assert answer.status_code == 200, answer.text
    seen: dict[str, Any] = answer.json()
    return seen


def row_of(database: Database, made: dict[str, Any]) -> Order:
    with database.transaction() as session:
        return session.get_one(Order, made["id"])


def given(api: Api, database: Database, made: dict[str, Any], **driver: Any) -> User:
    """A driver who has the order, and stands at the pickup."""
    comes = make_driver(database, at=api.now(), **{"metres": 0.0} | driver)
    assign(database, row_of(database, made), comes, at=api.now())
    return comes


def set_status(api: Api, made: dict[str, Any], by: User, status: str, **said: Any) -> Any:
    return api.call("PATCH", f"{PATH}{made['id']}/update-status/", by, json={"status": status} | said)


def ids(api: Api, by: User, **query: Any) -> list[int]:
    answer = api.get(f"{PATH}list/", by, params=query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


class TestPrices:
    """What it costs is known before, and stays so."""

    def test_a_quote_says_what_it_costs_and_why(self, api: Api, customer: User) -> None:
        quote = api.post(f"{PATH}quote/", customer, json=RIDE).json()
        price = quote["price"]
        assert sum(line["amount"] for line in price["lines"]) == price["total"]
        assert (price["currency"], price["digits"]) == ("UZS", 2)
        assert price["lines"][0]["text"] == "Coming out: Car"
        assert "km beyond those included" in price["lines"][1]["text"]
        assert (quote["vehicle_type"], quote["region"]) == ("car", "default")

    def test_a_quote_holds_for_ten_minutes_whatever_the_tariff_becomes(
        self, api: Api, database: Database, customer: User
    ) -> None:
        quote = api.post(f"{PATH}quote/", customer, json=RIDE).json()
        with database.transaction() as session:
            session.execute(update(Tariff).values(minimum=10**9))
        made = order(api, customer, quote=quote["quote"], notes="ring twice")
        assert made["price"]["total"] == quote["price"]["total"]
        api.later(minutes=10, seconds=1)
        answer = api.post(PATH, customer, json=RIDE | {"quote": quote["quote"]})
        assert (answer.status_code, answer.json()["code"]) == (409, "quote_expired")

    @pytest.mark.parametrize(
        "other",
        [
            {"dropoff": {"lat": 41.9, "lon": 69.24}},
            {"service": "tow"},
            {"addons": ["winch"]},
            {"scheduled_at": "2099-01-01T00:00:00Z"},
        ],
    )
    def test_a_quote_is_for_what_was_asked_and_for_who_asked(
        self, api: Api, database: Database, customer: User, other: dict[str, Any]
    ) -> None:
        token = api.post(f"{PATH}quote/", customer, json=RIDE).json()["quote"]
        for by, said in ((customer, other), (make_user(database), {})):
            answer = api.post(PATH, by, json=RIDE | {"quote": token} | said)
            assert answer.status_code == 422
            assert list(wrong_fields(answer)) == ["quote"]
        answer = api.post(PATH, customer, json=RIDE | {"quote": "made up"})
        assert "is no quote of ours" in wrong_fields(answer)["quote"]

    def test_where_there_is_no_tariff_the_refusal_says_who_makes_one(self, api: Api, customer: User) -> None:
        for path in (PATH, f"{PATH}quote/"):
            answer = api.post(path, customer, json=RIDE | {"service": "tow"})
            assert (answer.status_code, answer.json()["code"]) == (409, "no_tariff")
            assert "/api/v1/tariffs/" in answer.json()["detail"]

    def test_a_price_is_told_in_the_language_of_who_reads_it(
        self, api: Api, database: Database, customer: User
    ) -> None:
        with database.transaction() as session:
            session.execute(update(User).where(User.id == customer.id).values(language="fr"))
        made = order(api, customer)
        assert made["price"]["lines"][0]["text"] == "Déplacement : Car"

    def test_what_cancelling_would_cost_is_known_before(
        self, api: Api, database: Database, customer: User
    ) -> None:
        made = order(api, customer)
        assert made["cancel"] == {"fee": 0, "text": "0.00\u00a0UZS", "free_until": None}
        given(api, database, made)
        api.later(minutes=3)
        shown = look(api, made, customer)["cancel"]
        answer = api.post(f"{PATH}{made['id']}/cancel/", customer, json={"why": "changed my mind"})
        assert shown["fee"] == answer.json()["price"]["total"] == 1_000_000
        assert answer.json()["price"]["lines"][0]["kind"] == "cancel_fee"
        assert answer.json()["cancel"] is None


class TestAsking:
    """A request becomes one order, or says what is wrong with it."""

    def test_the_same_request_twice_is_one_order(self, api: Api, customer: User) -> None:
        asked = [api.post(PATH, customer, json=RIDE, headers={"Idempotency-Key": "k"}) for _ in range(2)]
        assert asked[0].json() == asked[1].json()
        assert ids(api, customer) == [asked[0].json()["id"]]

    def test_all_that_is_wrong_is_named(self, api: Api, customer: User) -> None:
        wrong = {
            "service": "flight",
            "pickup": {"lat": 91, "lon": 69.2},
            "seats": 0,
            "contact": {"phone": "12"},
            "scheduled_at": "tomorrow",
            "tip": 5,
        }
        answer = api.post(PATH, customer, json=RIDE | wrong)
        assert answer.status_code == 422
        named = {"service", "pickup.lat", "seats", "contact.phone", "scheduled_at", "tip"}
        assert set(wrong_fields(answer)) == named
        answer = api.post(PATH, customer, json={"service": "ride", "pickup": RIDE["pickup"]})
        assert wrong_fields(answer) == {"dropoff": "is required for a ride"}

    def test_a_desk_asks_for_who_is_on_the_telephone(
        self, api: Api, database: Database, customer: User, desk: User
    ) -> None:
        made = order(api, desk, customer=str(customer.uuid))
        assert ids(api, customer) == [made["id"]]
        [first] = made["timeline"]
        assert (first["party"], first["by"]) == ("dispatcher", "Malika Desk")
        assert look(api, made, customer)["timeline"][0]["by"] is None
        nobody = "00000000-0000-0000-0000-000000000000"
        assert list(wrong_fields(api.post(PATH, desk, json=RIDE | {"customer": nobody}))) == ["customer"]

    def test_who_waits_for_twenty_is_not_believed_that_they_need_more(
        self, api: Api, database: Database, customer: User, desk: User
    ) -> None:
        made = [place_order(database, customer).id for _ in range(20)]
        answer = api.post(PATH, customer, json=RIDE)
        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_open")
        order(api, desk, customer=str(customer.uuid))
        for order_id in made[:2]:
            api.post(f"{PATH}{order_id}/cancel/", customer, json={})
        order(api, customer)

    def test_an_order_for_later_waits_for_its_time(self, api: Api, customer: User) -> None:
        tonight = api.now() + timedelta(hours=8)
        made = order(api, customer, scheduled_at=tonight.isoformat())
        assert made["scheduled_at"] > made["search_from"] > made["requested_at"]


class TestSides:
    """What people see of each other."""

    @pytest.fixture
    def made(self, api: Api, customer: User) -> dict[str, Any]:
        contact = {"name": "Grandmother", "phone": "+998901112233"}
        return order(api, customer, contact=contact, notes="third floor", vehicle={"plate": "01 A 777 AA"})

    def test_a_customer_sees_who_comes_and_their_number_while_they_come(
        self, api: Api, database: Database, customer: User, made: dict[str, Any]
    ) -> None:
        assert (made["driver"], made["coming"]) == (None, None)
        driver = given(api, database, made)
        seen = look(api, made, customer)
        assert seen["driver"] == {"uuid": str(driver.uuid), "name": "Rustam", "phone": driver.phone}
        assert seen["coming"]["name"] == "White Cobalt"
        for status in ("en_route", "arrived", "in_progress", "completed"):
            assert set_status(api, made, driver, status).status_code == 200
        assert look(api, made, customer)["driver"] == seen["driver"] | {"phone": None}

    def test_a_driver_who_is_asked_sees_the_area_and_nobodys_name(
        self, api: Api, database: Database, customer: User, made: dict[str, Any]
    ) -> None:
        driver = make_driver(database)
        assert api.get(f"{PATH}{made['id']}/", driver).status_code == 404
        make_offer(database, row_of(database, made), driver, at=api.now())
        seen = look(api, made, driver)
        assert seen["pickup"] == {"lat": 41.31, "lon": 69.24, "address": "", "exact": False}
        assert (seen["customer"], seen["contact"], seen["notes"], seen["vehicle"]) == (None, None, "", {})
        assert (seen["timeline"], seen["can"], seen["cancel"]) == ([], [], None)
        assert seen["price"]["total"] == made["price"]["total"]
        for word in ("Nodira", "Grandmother", "998901112233", "777", "third", "Amir"):
            assert word not in str(seen)
        # To look is all they may do by the order itself.
        assert api.post(f"{PATH}{made['id']}/cancel/", driver, json={}).status_code == 404
        assert ids(api, driver) == []

    def test_a_driver_who_comes_sees_where_to_whom_and_what_for(
        self, api: Api, database: Database, customer: User, made: dict[str, Any]
    ) -> None:
        driver = given(api, database, made)
        seen = look(api, made, driver)
        assert seen["pickup"]["address"] == "Amir Temur 15"
        assert seen["contact"] == {"name": "Grandmother", "phone": "+998901112233"}
        assert seen["customer"] == {"uuid": str(customer.uuid), "name": "Nodira", "phone": customer.phone}
        assert (seen["notes"], seen["vehicle"]) == ("third floor", {"plate": "01 A 777 AA"})
        assert seen["can"] == ["requested", "en_route"]

    def test_a_driver_who_gave_it_back_sees_it_no_more(
        self, api: Api, database: Database, customer: User, made: dict[str, Any]
    ) -> None:
        driver = given(api, database, made)
        said: dict[str, Any] = {"json": {"why": "flat tyre"}, "headers": {"Idempotency-Key": "once"}}
        for _ in range(2):  # the first answer was lost
            answer = api.post(f"{PATH}{made['id']}/give-back/", driver, **said)
            assert answer.json() == {"id": made["id"], "state": "requested"}
        assert api.get(f"{PATH}{made['id']}/", driver).status_code == 404
        told = look(api, made, customer)["timeline"][-1]
        assert (told["kind"], told["detail"]) == ("given_back", {"why": "flat tyre"})

    def test_a_desk_sees_all_of_its_regions(
        self, api: Api, database: Database, customer: User, desk: User
    ) -> None:
        make_region(database, "city", [[ring()]])
        make_region(database, "village")
        made = order(api, customer)
        assert made["region"] == "city"
        with database.transaction() as session:
            session.execute(update(User).where(User.id == desk.id).values(alert_regions=["village"]))
        assert api.get(f"{PATH}{made['id']}/", desk).status_code == 404
        assert ids(api, desk) == []
        with database.transaction() as session:
            session.execute(update(User).where(User.id == desk.id).values(alert_regions=["city"]))
        assert look(api, made, desk)["customer"]["name"] == "Nodira Yusupova"
        assert ids(api, desk) == [made["id"]]


class TestMoving:
    """Each side moves an order as far as it may."""

    def test_a_driver_says_each_step_and_may_say_it_twice(
        self, api: Api, database: Database, customer: User
    ) -> None:
        made = order(api, customer)
        driver = given(api, database, made)
        for status in ("EN_ROUTE", "en_route", "arrived", "in_progress", "completed", "completed"):
            answer = set_status(api, made, driver, status)
            assert answer.status_code == 200, answer.text
        kinds = [each["kind"] for each in answer.json()["timeline"]]
        assert kinds == ["requested", "assigned", "en_route", "arrived", "started", "completed"]
        assert answer.json()["can"] == []

    @pytest.mark.parametrize(
        ("who", "status", "refused", "says"),
        [
            ("customer", "completed", 409, "from here you can make it: cancelled"),
            ("customer", "en_route", 403, "is for the dispatcher or driver to say"),
            ("driver", "completed", 409, "from here you can make it: requested, en_route"),
            ("driver", "cancelled", 403, "is for the customer or dispatcher to say"),
            ("driver", "accepted", 200, ""),
            ("desk", "offered", 409, "cannot become offered"),
            ("desk", "finished", 422, "please correct: status"),
        ],
    )
    def test_what_somebody_may_not_say_is_refused_with_what_they_may(
        self,
        api: Api,
        database: Database,
        customer: User,
        desk: User,
        who: str,
        status: str,
        refused: int,
        says: str,
    ) -> None:
        made = order(api, customer)
        people = {"customer": customer, "desk": desk, "driver": given(api, database, made)}
        answer = set_status(api, made, people[who], status)
        assert answer.status_code == refused, answer.text
        assert says in str(answer.json())

    def test_nobody_takes_an_order_by_saying_so(self, api: Api, customer: User, desk: User) -> None:
        answer = set_status(api, order(api, customer), desk, "accepted")
        assert "/api/dispatch/assign/" in wrong_fields(answer)["status"]

    def test_cancelling_twice_is_cancelling_once(self, api: Api, customer: User) -> None:
        path = f"{PATH}{order(api, customer)['id']}/cancel/"
        first, second = (api.post(path, customer, json={}) for _ in range(2))
        assert first.json() == second.json()

    def test_whose_fault_it_is_only_the_desk_says(
        self, api: Api, database: Database, customer: User, desk: User
    ) -> None:
        made = order(api, customer)
        given(api, database, made)
        api.later(minutes=5)
        path = f"{PATH}{made['id']}/cancel/"
        assert api.post(path, customer, json={"fault": "driver"}).status_code == 403
        answer = api.post(path, desk, json={"fault": "driver", "why": "never came"})
        assert (answer.json()["fault"], answer.json()["price"]["total"]) == ("driver", 0)

    def test_a_no_show_is_believed_once_it_is_shown(
        self, api: Api, database: Database, customer: User
    ) -> None:
        made = order(api, customer)
        driver = given(api, database, made)
        for status in ("en_route", "arrived"):
            set_status(api, made, driver, status)
        path = f"{PATH}{made['id']}/"
        answer = api.post(f"{path}no-show/", driver, json={})
        assert (answer.status_code, answer.json()["code"]) == (409, "no_evidence")
        assert "call the customer" in answer.json()["detail"]
        for _ in range(2):
            logged = api.post(f"{path}call-attempts/", driver, headers={"Idempotency-Key": "first-call"})
            assert logged.status_code == 201
        assert [each["kind"] for each in logged.json()["timeline"]].count("call_attempted") == 1
        api.later(minutes=3)
        drive(database, driver, 50, at=api.now())
        answer = api.post(f"{path}no-show/", driver, json={"why": "door closed"})
        assert answer.status_code == 200, answer.text
        assert (answer.json()["state"], answer.json()["price"]["total"]) == ("no_show", 1_600_000)
        assert api.post(f"{path}no-show/", driver, json={}).json()["revision"] == answer.json()["revision"]


class TestLists:
    """Everybody finds what is theirs."""

    def test_pages_follow_each_other_without_gap_or_repeat(self, api: Api, customer: User) -> None:
        made = [order(api, customer)["id"] for _ in range(5)]
        found, cursor = [], None
        for _ in range(3):
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = api.get(f"{PATH}list/", customer, params=query).json()
            found += [each["id"] for each in page["items"]]
            cursor = page["next"]
        assert found == made[::-1]
        assert cursor is None

    def test_orders_are_told_apart_by_every_filter(
        self, api: Api, database: Database, customer: User, desk: User
    ) -> None:
        make_tariff(database, Service.TOW)
        other = make_user(database)
        ride, tow = order(api, customer), order(api, other, service="tow")
        driver = given(api, database, tow)
        api.post(f"{PATH}{ride['id']}/cancel/", customer, json={})
        for query, wanted in (
            ({"service": "tow"}, [tow]),
            ({"state": ["cancelled", "COMPLETED"]}, [ride]),
            ({"state": "accepted"}, [tow]),
            ({"customer": str(customer.uuid)}, [ride]),
            ({"driver": str(driver.uuid)}, [tow]),
            ({"region": "default"}, [tow, ride]),
            ({"region": "elsewhere"}, []),
            ({"since": tow["requested_at"]}, [tow]),
            ({"until": tow["requested_at"]}, [ride]),
        ):
            assert ids(api, desk, **query) == [each["id"] for each in wanted], query
        assert ids(api, driver, mine="driver") == ids(api, driver) == [tow["id"]]
        assert ids(api, driver, mine="customer") == []
        assert list(wrong_fields(api.get(f"{PATH}list/", desk, params={"mine": "house"}))) == ["mine"]

    @pytest.mark.parametrize(
        "text",
        ["temur 15", "AIRPORT", "third", "Grandm", "90 111-22", "01a777", "01 A 777-aa", "100%_"],
    )
    def test_an_order_is_found_by_what_is_remembered_of_it(
        self, api: Api, customer: User, desk: User, text: str
    ) -> None:
        order(api, customer)
        made = order(
            api,
            customer,
            contact={"name": "Grandmother", "phone": "+998901112233"},
            notes="third floor, 100%_ sure",
            vehicle={"plate": "01 A 777 AA"},
        )
        found = ids(api, desk, text=text)
        assert made["id"] in found
        assert len(found) == (2 if text in ("temur 15", "AIRPORT") else 1)

    def test_an_order_is_found_by_its_number(self, api: Api, customer: User) -> None:
        made = [order(api, customer, notes="") for _ in range(2)]
        assert made[0]["id"] in ids(api, customer, text=str(made[0]["id"]))

    def test_what_matches_nothing_finds_nothing(self, api: Api, customer: User) -> None:
        order(api, customer)
        for text in ("%", "_", "\\", "-", "9" * 30):
            assert ids(api, customer, text=text) == [], text


class TestPhotos:
    """Photos are for those who have a part in the order."""

    def test_a_photo_is_added_looked_at_and_taken_away(
        self, api: Api, database: Database, customer: User
    ) -> None:
        made = order(api, customer)
        answer = api.post(f"{PATH}{made['id']}/photos/", customer, content=PNG)
        assert answer.status_code == 201, answer.text
        path = answer.json()["photo"]
        driver = given(api, database, made)
        for by in (customer, driver):
            assert look(api, made, by)["photos"] == [path]
            shown = api.get(path, by)
            assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
        assert api.call("DELETE", path, driver).status_code == 403
        assert api.call("DELETE", path, customer).status_code == 204
        assert api.get(path, customer).status_code == 404
        assert look(api, made, customer)["photos"] == []

    def test_what_is_no_picture_or_one_too_many_is_not_kept(
        self, api: Api, database: Database, customer: User
    ) -> None:
        made = order(api, customer)
        path = f"{PATH}{made['id']}/photos/"
        assert api.post(path, customer, content=b"MZ").status_code == 422
        for _ in range(10):
            assert api.post(path, customer, content=PNG).status_code == 201
        answer = api.post(path, customer, content=PNG)
        assert (answer.status_code, answer.json()["code"]) == (409, "full")
        folder = api.app.state.settings.media_dir
        assert len(list(folder.iterdir())) == 10

    def test_a_photo_of_another_order_is_not_shown_by_its_name(self, api: Api, customer: User) -> None:
        one, other = order(api, customer), order(api, customer)
        path = api.post(f"{PATH}{one['id']}/photos/", customer, content=PNG).json()["photo"]
        assert api.get(path.replace(f"/{one['id']}/", f"/{other['id']}/"), customer).status_code == 404
