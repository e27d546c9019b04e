"""Commands and profiles, published by the real notifier to a device on a real broker."""

import json
from datetime import UTC, datetime

from broker.client import Connection
from broker.topics import Service
from db.session import Database
from db.states import CommandKind
from dispatch import commands
from notifier import relay
from notifier.channels import topic
from tests.builders import NOON, make_device, make_user
from tests.integration.broker.conftest import Station
from tests.servers import WAIT_S, Broker, eventually


def test_a_device_hears_a_command_once_and_its_profile_whenever_it_comes(
    database: Database, broker: Broker
) -> None:
    by = make_user(database)
    device = make_device(database, uid=f"asked-{datetime.now(UTC).timestamp()}")
    password = broker.add_device(device.uid)
    topics = [f"mayday/v1/dev/{device.uid}/{channel}" for channel in ("cmd", "config")]
    watch = Station(broker, device.uid, password)
    watch.listen(*topics)
    with database.transaction() as session:
        asked = commands.ask(session, device.id, do=CommandKind.MESSAGE, by=by.id, at=NOON, text="Come home")
        commands.configure(session, device, at=NOON, rest_s=600, move_s=10, alarm_s=5, batch=1)
    with Connection("notifier-devices", Service.NOTIFIER, broker.settings) as connection:
        connection.wait_connected(WAIT_S)
        while relay.turn(database, topic.channels(connection), at=NOON):
            pass
    eventually(lambda: len(watch.heard()) == 2, "both to be heard")
    heard = {topic: json.loads(payload) for topic, payload in watch.heard()}
    assert heard[topics[0]] == {"id": asked.frame_id, "do": "message", "text": "Come home"}
    assert heard[topics[1]] == {"version": 1, "rest": 600, "move": 10, "alarm": 5, "batch": 1}
    watch.close()
    late = Station(broker, device.uid, password)
    late.listen(*topics)
    late.hears(topics[1])
    assert [topic for topic, _ in late.heard()] == topics[1:]
    late.close()
