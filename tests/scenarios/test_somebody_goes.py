"""A helper says yes on their phone: the watch shows who comes; one who does not move is not waited for."""

import time
import uuid
from typing import Any

import psycopg

from tests.scenarios.actors import Api, House, Listener, Watch
from tests.scenarios.conftest import Status
from tests.servers import eventually

# Far from where the other stories happen, so that nobody else is near.
PLACE = {"lat": 39.654, "lon": 66.975}
NEAR = {"lat": 39.656, "lon": 66.975}


class Phone(Watch):
    """The phone of a helper, which also hears offers."""

    def __init__(self, house: House, uid: str, password: str) -> None:
        super().__init__(house.mqtt, uid, password)
        channels = [f"mayday/v1/dev/{uid}/{channel}" for channel in ("offer", "ack")]
        self.heard = Listener(house.mqtt, uid, password, *channels)

    def stand(self, place: dict[str, float]) -> None:
        frame = {"id": uuid.uuid4().hex[:8], "ts": int(time.time()), **place}
        self.publish("pos", frame)
        assert self.heard.until(lambda topic, said: topic.endswith("/ack") and said["id"] == frame["id"])

    def offer(self) -> dict[str, Any]:
        offered = self.heard.until(lambda topic, _: topic.endswith("/offer"), 30)
        assert offered is not None
        return offered


def new_helper(house: House, status: Status, name: str) -> tuple[Api, Phone]:
    """Somebody whom an admin made a helper, with a phone that says where they are."""
    number, password = uuid.uuid4().int % 10_000_000, uuid.uuid4().hex
    person = {"phone_number": f"+99894{number:07d}", "full_name": name}
    registered = house.anyone.post(
        "/api/v1/auth/register/", person | {"password": password, "password2": password}
    )
    helper = Api(house.anyone.url, registered["access"])
    me = helper.get("/api/v1/auth/me/")["uuid"]
    admin = house.login(status()["demo"]["admin"])
    assert admin.send("PUT", f"/api/v1/users/{me}/roles/helper/")[0] == 200
    profile = {"skills": ["first_aid"], "radius_m": 2_000, "available": True}
    assert helper.send("PUT", "/api/v1/helpers/me/", profile)[0] == 200
    uid = f"phone-{uuid.uuid4().hex[:8]}"
    device = helper.post("/api/v1/devices/", {"device_uid": uid, "model": "Phone", "kind": "phone"})
    secret = device["mqtt"]["password"]
    probe = Watch(house.mqtt, uid, secret)
    eventually(lambda: probe.publish("status", {"s": "online"}) == 0, "the new phone to be let in")
    phone = Phone(house, uid, secret)
    phone.stand(NEAR)
    return helper, phone


def test_a_helper_accepts_by_mqtt_and_the_watch_shows_the_name(house: House, status: Status) -> None:
    helper, phone = new_helper(house, status, "Sardor Aliyev")
    _, watch = house.new_wearer()
    incident = watch.press(ts=int(time.time()), type="fall", **PLACE)["sos"]
    house.desk.post(f"/api/v1/incidents/{incident}/helpers/")
    offer = phone.offer()
    assert offer["kind"] == "sos"
    phone.publish("reply", {"id": offer["id"], "ok": True, "eta": 240})
    shown = watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == "responding")
    assert shown is not None
    assert (shown["who"], shown["eta"]) == ("Sardor", 240)
    phone.stand(PLACE)
    assert watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == "on_scene")
    house.resolve(incident)
    eventually(
        lambda: helper.get("/api/v1/calls/")["items"][0]["state"] == "done",
        "the call to be over",
    )
    assert helper.send("PUT", "/api/v1/helpers/me/", _away())[0] == 200
    phone.heard.close()


def test_a_helper_who_accepts_and_does_not_move_is_not_waited_for(house: House, status: Status) -> None:
    helper, phone = new_helper(house, status, "Rustam Karimov")
    _, watch = house.new_wearer()
    incident = watch.press(ts=int(time.time()), type="fall", **PLACE)["sos"]
    house.desk.post(f"/api/v1/incidents/{incident}/helpers/")
    phone.publish("reply", {"id": phone.offer()["id"], "ok": True})
    assert watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == "responding")
    other, other_phone = new_helper(house, status, "Dilnoza Yusupova")

    def stays() -> bool:
        phone.stand(NEAR)
        other_phone.stand(NEAR)
        half_a_minute_passes(house, incident)
        state: str = helper.get("/api/v1/calls/")["items"][0]["state"]
        return state == "withdrawn"

    eventually(stays, "the helper to be given up")
    eventually(lambda: other.get("/api/v1/calls/")["items"], "the next to be asked")
    told = [line["kind"] for line in house.desk.get(f"/api/v1/incidents/{incident}/")["timeline"]]
    assert told.index("helper_nudged") < told.index("helper_withdrew")
    house.resolve(incident)
    for each, its_phone in ((helper, phone), (other, other_phone)):
        assert each.send("PUT", "/api/v1/helpers/me/", _away())[0] == 200
        its_phone.heard.close()


def half_a_minute_passes(house: House, incident: str) -> None:
    """For who is on the way, that is: the story takes two minutes, in which nothing happens."""
    with psycopg.connect(house.status["database"]) as connection:
        connection.execute(
            "UPDATE helper_calls SET answered_at = answered_at - half_a_minute,"
            " moved_at = moved_at - half_a_minute, nudged_at = nudged_at - half_a_minute"
            " FROM (SELECT interval '30 s' AS half_a_minute) AS passing"
            " WHERE incident_id = %s AND ended_at IS NULL",
            [incident],
        )
    time.sleep(1.1)  # it is looked once a second


def _away() -> dict[str, Any]:
    return {"skills": [], "radius_m": 2_000, "available": False}
