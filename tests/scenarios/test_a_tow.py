"""A car does not start: a tow is ordered, a driver's phone takes it over MQTT, the customer looks on."""

import json
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.scenarios.actors import Api, House, Phone, Watch
from tests.scenarios.conftest import Status
from tests.servers import WAIT_S, eventually

# Far from where the demo's driver is.
BUKHARA = {"lat": 39.767, "lon": 64.421}
NEAR_BY = {"lat": 39.771, "lon": 64.421}


class AtWork:
    """A driver on shift with a truck and a phone."""

    def __init__(self, house: House, name: str) -> None:
        number, password = uuid.uuid4().int % 10_000_000, uuid.uuid4().hex
        person = {"phone_number": f"+99895{number:07d}", "full_name": name}
        registered = house.anyone.post(
            "/api/v1/auth/register/", person | {"password": password, "password2": password}
        )
        self.api = Api(house.anyone.url, registered["access"])
        me = self.api.get("/api/v1/auth/me/")["uuid"]
        admin = house.login(house.status["demo"]["admin"])
        assert admin.send("PUT", f"/api/v1/users/{me}/roles/driver/")[0] == 200
        assert self.api.send("PUT", "/api/v1/drivers/me/", {"services": ["tow"]})[0] == 200
        licence = {"category": "C", "number": "AF 1234567", "expires_on": "2099-12-31"}
        assert self.api.send("PUT", "/api/v1/drivers/me/licence/", licence)[0] == 200
        truck = {"type": "flatbed", "name": "Isuzu NQR", "registration": "80 A 001 BC", "payload_kg": 3_000}
        self.api.post("/api/v1/drivers/me/vehicles/", truck)
        uid = f"cab-{uuid.uuid4().hex[:8]}"
        device = self.api.post("/api/v1/devices/", {"device_uid": uid, "model": "Phone", "kind": "phone"})
        secret = device["mqtt"]["password"]
        probe = Watch(house.mqtt, uid, secret)
        eventually(lambda: probe.publish("status", {"s": "online"}) == 0, "the new phone to be let in")
        self.phone = Phone(house.mqtt, uid, secret)
        self.api.post("/api/v1/drivers/me/shifts/")
        self.phone.stand(NEAR_BY)

    def go_home(self) -> None:
        self.api.send("POST", "/api/v1/drivers/me/shifts/end/")
        self.phone.heard.close()


@pytest.fixture
def driver(house: House) -> Iterator[AtWork]:
    driver = AtWork(house, "Sardor Aliyev")
    yield driver
    driver.go_home()


def order(customer: Api) -> int:
    wish = {"service": "tow", "pickup": BUKHARA, "dropoff": {"lat": 39.70, "lon": 64.50}}
    quoted = customer.post("/api/v1/orders/quote/", wish)
    placed = customer.post("/api/v1/orders/", wish | {"quote": quoted["quote"]})
    assert placed["price"]["total"] == quoted["price"]["total"]
    return int(placed["id"])


def say(driver: AtWork, number: int, state: str) -> None:
    status, answer = driver.api.send("PATCH", f"/api/v1/orders/{number}/update-status/", {"status": state})
    assert status == 200, answer


def until(screen: ClientConnection, wanted: Callable[[Any], bool]) -> Any:
    """The first news that is wanted."""
    while True:
        news = json.loads(screen.recv(WAIT_S))
        if wanted(news):
            return news


def kill(status: Status, name: str) -> None:
    def pid() -> Any:
        return next(each["pid"] for each in status()["processes"] if each["name"] == name)

    eventually(pid, f"{name} to run")  # it may not have come back from the last time
    os.kill(int(pid()), signal.SIGKILL)


def state_of(who: Api, number: int) -> Any:
    return who.get(f"/api/v1/orders/{number}/")["state"]


def test_a_tow_from_the_quote_to_the_end_by_phone_and_screen(house: House, driver: AtWork) -> None:
    customer, _ = house.new_wearer()
    number = order(customer)
    with customer.socket(f"/ws/orders/{number}/") as screen:
        offer = driver.phone.offer()
        assert (offer["kind"], offer["cur"]) == ("order", "UZS")
        driver.phone.publish("reply", {"id": offer["id"], "ok": True})
        coming = until(screen, lambda news: news["data"].get("state") == "accepted")["data"]
        assert (coming["driver"]["name"], coming["driver"]["plate_number"]) == ("Sardor", "80 A 001 BC")
        say(driver, number, "en_route")
        driver.phone.stand({"lat": 39.769, "lon": 64.421})
        moved = until(screen, lambda news: news["type"] == "location" and news["data"]["lat"] == 39.769)
        seen = moved["data"]
        assert not seen["stale"]
        assert seen["eta_s"] > 0
        for state in ("arrived", "in_progress", "completed"):
            say(driver, number, state)
        until(screen, lambda news: news["data"].get("state") == "completed")
    kinds = [line["kind"] for line in house.desk.get(f"/api/v1/orders/{number}/")["timeline"]]
    assert [kind for kind in kinds if kind != "price_changed"] == [
        *("requested", "offered", "accepted", "en_route", "arrived", "started", "completed")
    ]


def test_nobody_takes_it_and_the_desk_is_alerted_until_somebody_does(house: House, driver: AtWork) -> None:
    customer, _ = house.new_wearer()
    with house.alerts() as desk:
        number = order(customer)
        driver.phone.publish("reply", {"id": driver.phone.offer()["id"], "ok": False, "why": "lunch"})
        uuid_of = customer.get(f"/api/v1/orders/{number}/")["uuid"]
        topic = f"mayday/v1/alerts/default/order/{uuid_of}"
        alert = desk.until(lambda where, said: where == topic and said["state"] == "unassigned")
        assert alert is not None
        me = driver.api.get("/api/v1/drivers/me/")["id"]
        house.desk.post(f"/api/dispatch/assign/{number}/", {"driver_id": me})
        assert desk.until(lambda where, said: where == topic and said is None) is None
    assert state_of(driver.api, number) == "accepted"
    house.desk.post(f"/api/v1/orders/{number}/cancel/", {"why": "the car starts again"})
    assert state_of(customer, number) == "cancelled"


def test_an_order_survives_the_death_of_what_serves_it_at_any_step(
    house: House, driver: AtWork, status: Status
) -> None:
    customer, _ = house.new_wearer()
    kill(status, "orders")
    number = order(customer)
    offer = driver.phone.offer()
    kill(status, "orders")
    driver.phone.publish("reply", {"id": offer["id"], "ok": True})
    eventually(lambda: state_of(customer, number) == "accepted", "the driver to have it")
    kill(status, "orders")
    customer.post(f"/api/v1/orders/{number}/cancel/")
    assert state_of(customer, number) == "cancelled"
