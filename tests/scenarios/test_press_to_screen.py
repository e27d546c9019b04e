"""From a press on a watch to a dispatcher's screen, with foreign clients on both ends."""

import json
import os
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest

from ops.sos import ALERTED, Watcher
from tests.conftest import Mayday
from tests.scenarios.actors import STEPS, House, Watch
from tests.scenarios.conftest import Status
from tests.servers import WAIT_S, eventually, queued_s

PLACE = {"lat": 41.311081, "lon": 69.240562}


def test_a_press_reaches_the_dispatchers_screen_and_its_end_reaches_the_watch(house: House) -> None:
    wearer, watch = house.new_wearer()
    with house.alerts() as desk, house.desk.socket() as screen:
        answer = watch.press(ts=int(time.time()), type="fall", sev=4, **PLACE)
        incident = answer["sos"]
        assert answer["ok"] is True
        assert answer["dup"] is False

        topic = f"mayday/v1/alerts/tashkent/sos/{incident}"
        alert = desk.until(lambda where, _: where == topic)
        assert alert is not None
        assert (alert["state"], alert["type"], alert["uid"], alert["name"]) == (
            *("active", "fall"),
            *(watch.uid, "Aziza Karimova"),
        )
        shown = _shown(screen, incident)
        assert shown["type"] == "sos_event"
        assert shown["payload"]["device_uid"] == watch.uid
        assert shown["payload"]["detected_type"] == "FALL_DETECTED"
        assert shown["payload"]["resolved"] is False

        house.desk.post(f"/api/v1/incidents/{incident}/ack/")
        taken = desk.until(lambda where, said: where == topic and said["state"] == "acknowledged")
        assert taken is not None
        assert taken["acknowledged_by"] == "Demo Dispatcher"
        assert watch.down.until(lambda where, said: where.endswith("/state") and said["s"] == "acknowledged")

        house.desk.post(f"/api/v1/incidents/{incident}/resolve/", {"outcome": "assisted"})
        assert desk.until(lambda where, said: where == topic and said is None) is None
        assert _shown(screen, incident)["payload"]["resolved"] is True
        assert watch.down.until(lambda where, said: where.endswith("/state") and said["s"] == "resolved")

    timeline = [event["kind"] for event in house.desk.get(f"/api/v1/incidents/{incident}/")["timeline"]]
    # The first step is taken beside it: before the dispatcher takes the call, or not at all.
    assert [kind for kind in timeline if kind not in STEPS] == ["opened", "acknowledged", "resolved"]
    assert wearer.get(f"/api/v1/incidents/{incident}/")["state"] == "resolved"


def test_who_connects_late_sees_the_open_incident(house: House) -> None:
    _, watch = house.new_wearer()
    incident = watch.press()["sos"]
    eventually(lambda: house.desk.get(f"/api/v1/incidents/{incident}/"), "the incident")
    with house.alerts() as late:
        assert late.until(lambda topic, _: topic.endswith(incident))
    house.resolve(incident)


def test_the_same_press_over_http_is_created_and_then_a_duplicate(house: House) -> None:
    wearer, watch = house.new_wearer()
    body = {
        "device_uid": watch.uid,
        "detected_type": "FALL_DETECTED",
        "severity": 4,
        "timestamp": "2025-10-28T12:00:00Z",
        "altitude": 500.0,
        "raw_payload": {"sensor_data": "..."},
        **PLACE,
    }
    with house.alerts() as desk:
        status, first = house.anyone.send("POST", "/api/v1/sos/trigger/", body)
        assert status == 401
        status, first = wearer.send("POST", "/api/v1/sos/trigger/", body)
        assert (status, first["status"]) == (201, "created")
        assert desk.until(lambda topic, _: topic.endswith(first["event_uid"]))
    status, second = wearer.send("POST", "/api/v1/sos/trigger/", body)
    assert (status, second) == (200, {"status": "duplicate", "event_uid": first["event_uid"]})
    house.resolve(first["event_uid"])


def test_a_press_over_mqtt_joins_the_one_over_http(house: House) -> None:
    wearer, watch = house.new_wearer()
    opened = wearer.post("/api/v1/sos/trigger/", {"device_uid": watch.uid})
    answer = watch.press()
    assert (answer["sos"], answer["dup"]) == (opened["event_uid"], True)
    house.resolve(answer["sos"])


def test_a_position_sent_before_is_the_place_of_a_press_without_one(house: House) -> None:
    _, watch = house.new_wearer()
    down = watch.down  # it listens before it speaks
    watch.publish("pos", {"id": "fix-1", "ts": int(time.time()), **PLACE, "acc": 8})
    assert down.until(lambda topic, said: topic.endswith("/ack") and said["id"] == "fix-1")
    with house.alerts() as desk:
        incident = watch.press()["sos"]
        alert = desk.until(lambda topic, _: topic.endswith(incident))
    assert alert is not None
    assert (alert["lat"], alert["lon"], alert["position_source"]) == (*PLACE.values(), "last_known")
    house.resolve(incident)


def test_one_watch_cannot_press_for_another(house: House) -> None:
    _, victim = house.new_wearer()
    _, thief = house.new_wearer()
    forged = Watch(house.mqtt, victim.uid, thief.password, username=thief.uid)
    with house.alerts() as desk:
        forged.publish("sos", {"id": "forged"})
        own = thief.press()["sos"]
        seen = desk.until(lambda topic, _: topic.endswith(own))
    assert seen is not None
    opened = house.desk.get("/api/v1/incidents/?limit=50")["items"]
    assert victim.uid not in [incident["device"]["uid"] for incident in opened]
    house.resolve(own)


def test_a_stranger_is_not_let_in(house: House) -> None:
    stranger = Watch(house.mqtt, "stranger", "guess")
    assert stranger.publish("sos", {"id": "x"}) != 0


def test_a_malformed_call_is_answered_and_can_be_read_in_quarantine(house: House, status: Status) -> None:
    _, watch = house.new_wearer()
    down = watch.down  # it listens before it speaks
    watch.publish("sos", '{"id":"broken","lat":')
    answer = down.until(lambda topic, said: topic.endswith("/ack") and said["id"] == "broken")
    assert answer is not None
    assert answer["ok"] is False
    admin = house.login(status()["demo"]["admin"])
    [kept] = admin.get(f"/api/v1/quarantine/?uid={watch.uid}")["items"]
    assert kept["text"] == '{"id":"broken","lat":'


@pytest.fixture
def demo_helper(house: House) -> Iterator[None]:
    """The demo's helper may be asked."""
    house.say_helper_is(available=True)
    yield
    house.say_helper_is(available=False)


@pytest.mark.usefixtures("demo_helper")
def test_mayday_sos_walks_the_whole_way(mayday: Mayday) -> None:
    said = mayday("sos", "--count", "2")
    assert "never" not in said
    assert "on the dispatchers' alert topic" in said
    assert "offered to a helper near by" in said


@pytest.mark.usefixtures("demo_helper")
async def test_an_alert_is_with_the_dispatchers_at_once(status: Status) -> None:
    found = status()
    pids = [process["pid"] for process in found["processes"]]
    took_s = []
    async with Watcher(found).standing() as watcher:
        for _ in range(15):
            before_s = queued_s(os.getpid(), *pids)
            way = await watcher.press()
            in_queue_s = queued_s(os.getpid(), *pids) - before_s
            took_s.append(way.reached_s[ALERTED] - in_queue_s)
            await watcher.resolve(way)
    # About 30 ms; if somebody waited for the next look instead of the bell, half a second.
    assert median(took_s) < 0.25


def _shown(screen: Any, incident: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        shown: dict[str, Any] = json.loads(screen.recv(timeout=WAIT_S))
        if shown["payload"]["event_uid"] == incident:
            return shown
    raise AssertionError("the screen did not show it")
