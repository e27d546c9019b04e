"""How a device is shown, from what it said over a real broker and the real lane, and from its silence."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from db.models import User
from db.session import Database
from tests.builders import make_device, make_user
from tests.integration.api.speaking import Api
from tests.integration.ingest.lanes import Lane, stopped_at_the_end
from tests.servers import WAIT_S, Broker, eventually


class Watch:
    """Keeps to the contract: leaves a Will, and says that it is there after each connect."""

    def __init__(self, broker: Broker, uid: str) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=uid, reconnect_on_failure=False)
        self._client.username_pw_set(uid, broker.add_device(uid))
        self._topics = f"mayday/v1/dev/{uid}"
        self._client.will_set(f"{self._topics}/status", '{"s":"offline"}', 1, retain=True)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self.say("status", {"s": "online", "boot": 17})

    def say(self, channel: str, said: dict[str, Any]) -> None:
        retain = channel == "status"
        topic, payload = f"{self._topics}/{channel}", json.dumps(said)
        self._client.publish(topic, payload, 1, retain).wait_for_publish(WAIT_S)

    def dies(self) -> None:
        """Without a word."""
        peer = self._client.socket()
        assert isinstance(peer, socket.socket)
        with suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()


@pytest.fixture
def lane(database: Database, broker: Broker, tmp_path: Path) -> Iterator[Lane]:
    with stopped_at_the_end(Lane(database, broker, tmp_path)) as lane:
        lane.start()
        yield lane


@pytest.fixture
def owner(database: Database) -> User:
    return make_user(database)


def shown(api: Api, owner: User, uid: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/v1/devices/{uid}/", owner).json()
    return found


def shown_with(api: Api, owner: User, uid: str, **expected: Any) -> dict[str, Any]:
    """The device, as soon as it is shown so."""
    eventually(lambda: shown(api, owner, uid).items() >= expected.items(), f"it to be shown with {expected}")
    return shown(api, owner, uid)


@pytest.mark.usefixtures("lane")
def test_a_device_that_dies_is_shown_offline_by_its_will_and_online_when_it_is_back(
    api: Api, database: Database, broker: Broker, owner: User
) -> None:
    uid = make_device(database, owner).uid
    for _ in range(2):
        watch = Watch(broker, uid)
        shown_with(api, owner, uid, presence="online", is_online=True)
        watch.dies()
        shown_with(api, owner, uid, presence="offline", is_online=False)


@pytest.mark.usefixtures("lane")
def test_a_device_that_falls_silent_is_shown_so_by_how_often_it_is_to_report(
    api: Api, database: Database, broker: Broker, owner: User
) -> None:
    uid = make_device(database, owner).uid
    watch = Watch(broker, uid)
    shown_with(api, owner, uid, presence="online")
    config = f"/api/v1/devices/{uid}/config/"
    api.later(minutes=14)
    assert shown(api, owner, uid)["presence"] == "online"
    api.call("PUT", config, owner, json={"rest_s": 60})
    assert shown(api, owner, uid)["presence"] == "silent"
    api.call("PUT", config, owner, json={"rest_s": 60, "batch": 20})
    api.later(minutes=40)
    assert shown(api, owner, uid)["presence"] == "online"
    api.later(minutes=10)
    assert shown(api, owner, uid)["presence"] == "silent"
    assert api.get("/api/v1/devices/", owner, params={"presence": "silent"}).json()["items"]
    watch.dies()


@pytest.mark.usefixtures("lane")
def test_the_battery_is_shown_with_its_time_whichever_frame_told_it(
    api: Api, database: Database, broker: Broker, owner: User
) -> None:
    uid = make_device(database, owner).uid
    watch = Watch(broker, uid)
    said: list[tuple[str, dict[str, Any]]] = [
        ("pos", {"lat": 41.3, "lon": 69.2, "bat": 60}),
        ("vitals", {"hr": 72, "bat": 59}),
        ("status", {"s": "sleeping", "bat": 58}),
    ]
    for channel, frame in said:
        since = datetime.now(UTC)
        watch.say(channel, frame)
        now = shown_with(api, owner, uid, battery_level=frame["bat"])
        assert datetime.fromisoformat(now["battery_at"]) >= since
        assert datetime.fromisoformat(now["last_seen_at"]) >= since
    # What says nothing of the battery leaves it.
    before = shown(api, owner, uid)["last_seen_at"]
    watch.say("vitals", {"hr": 73})
    eventually(lambda: shown(api, owner, uid)["last_seen_at"] != before, "the next frame")
    shown_with(api, owner, uid, battery_level=58, presence="sleeping")
    watch.dies()
