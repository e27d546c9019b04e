"""A helper says yes on their phone: the watch shows who comes; one who does not move is not waited for."""

import time

import psycopg

from tests.scenarios.actors import NEAR_BY, SAMARKAND, House
from tests.servers import eventually


def test_a_helper_accepts_by_mqtt_and_the_watch_shows_the_name(house: House) -> None:
    helper, phone = house.new_helper("Sardor Aliyev")
    _, watch = house.new_wearer()
    incident = watch.press(ts=int(time.time()), type="fall", **SAMARKAND)["sos"]
    house.desk.post(f"/api/v1/incidents/{incident}/helpers/")
    offer = phone.offer()
    assert offer["kind"] == "sos"
    phone.publish("reply", {"id": offer["id"], "ok": True, "eta": 240})
    shown = watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == "responding")
    assert shown is not None
    assert (shown["who"], shown["eta"]) == ("Sardor", 240)
    phone.stand(SAMARKAND)
    assert watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == "on_scene")
    house.resolve(incident)
    eventually(
        lambda: helper.get("/api/v1/calls/")["items"][0]["state"] == "done",
        "the call to be over",
    )
    house.send_home(helper, phone)


def test_a_helper_who_accepts_and_does_not_move_is_not_waited_for(house: House) -> None:
    helper, phone = house.new_helper("Rustam Karimov")
    _, watch = house.new_wearer()
    incident = watch.press(ts=int(time.time()), type="fall", **SAMARKAND)["sos"]
    house.desk.post(f"/api/v1/incidents/{incident}/helpers/")
    phone.publish("reply", {"id": phone.offer()["id"], "ok": True})
    assert watch.down.until(lambda topic, said: topic.endswith("/state") and said["s"] == "responding")
    other, other_phone = house.new_helper("Dilnoza Yusupova")

    def stays() -> bool:
        phone.stand(NEAR_BY)
        other_phone.stand(NEAR_BY)
        half_a_minute_passes(house, incident)
        state: str = helper.get("/api/v1/calls/")["items"][0]["state"]
        return state == "withdrawn"

    eventually(stays, "the helper to be given up")
    eventually(lambda: other.get("/api/v1/calls/")["items"], "the next to be asked")
    told = [line["kind"] for line in house.desk.get(f"/api/v1/incidents/{incident}/")["timeline"]]
    assert told.index("helper_nudged") < told.index("helper_withdrew")
    house.resolve(incident)
    for each, its_phone in ((helper, phone), (other, other_phone)):
        house.send_home(each, its_phone)


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
