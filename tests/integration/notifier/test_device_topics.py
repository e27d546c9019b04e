"""Commands and profiles, published by the real notifier to a device on a real broker."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from broker.client import Connection
from broker.topics import Service
from db.models import Notification
from db.session import Database
from db.states import CommandKind, WorkStatus
from dispatch import commands
from notifier import relay
from notifier.channels import topic
from tests.builders import make_device, make_user
from tests.integration.broker.conftest import Station
from tests.servers import WAIT_S, Broker, eventually


def tell(database: Database, broker: Broker) -> None:
    with Connection("notifier-devices", Service.NOTIFIER, broker.settings) as connection:
        connection.wait_connected(WAIT_S)
        while relay.turn(database, topic.channels(connection), at=datetime.now(UTC)):
            pass


def test_a_device_hears_a_command_once_and_its_profile_whenever_it_comes(
    database: Database, broker: Broker
) -> None:
    by = make_user(database)
    device = make_device(database, uid=f"asked-{datetime.now(UTC).timestamp()}")
    password = broker.add_device(device.uid)
    topics = [f"mayday/v1/dev/{device.uid}/{channel}" for channel in ("cmd", "config")]
    watch = Station(broker, device.uid, password)
    watch.listen(*topics)
    at = datetime.now(UTC)
    with database.transaction() as session:
        asked = commands.ask(session, device.id, do=CommandKind.MESSAGE, by=by.id, at=at, text="Come home")
        commands.configure(session, device, at=at, rest_s=600, move_s=10, alarm_s=5, batch=1)
    tell(database, broker)
    eventually(lambda: len(watch.heard()) == 2, "both to be heard")
    heard = {topic: json.loads(payload) for topic, payload in watch.heard()}
    until = int(asked.expires_at.timestamp())
    assert heard[topics[0]] == {"id": asked.frame_id, "do": "message", "until": until, "text": "Come home"}
    assert heard[topics[1]] == {"version": 1, "rest": 600, "move": 10, "alarm": 5, "batch": 1}
    watch.close()
    late = Station(broker, device.uid, password)
    late.listen(*topics)
    late.hears(topics[1])
    assert [topic for topic, _ in late.heard()] == topics[1:]
    late.close()


class Sleeper:
    """A watch over MQTT 3.1.1 whose session waits for it at the broker."""

    def __init__(self, broker: Broker, uid: str) -> None:
        self._broker, self._uid, self._password = broker, uid, broker.add_device(uid)
        self._topic = f"mayday/v1/dev/{uid}/cmd"
        self.wake_up()  # so that there is a session

    def wake_up(self) -> list[str]:
        """What waited for it, by what it was to do."""
        how = {"client_id": self._uid, "clean_session": False}
        awake = Station(self._broker, self._uid, self._password, **how)
        # What waited comes before the answer to this.
        awake.listen(self._topic)
        heard = [json.loads(payload)["do"] for _, payload in awake.heard()]
        awake.close()
        return heard


# Long enough for the broker to be back, however busy, before it is over.
@pytest.mark.parametrize(("restarts", "good_s"), [(False, 3), (True, 20)])
def test_a_sleeper_hears_when_it_wakes_what_is_still_good_and_never_what_has_expired(
    database: Database, broker: Broker, restarts: bool, good_s: int
) -> None:
    by = make_user(database)
    device = make_device(database, uid=f"sleeper-{datetime.now(UTC).timestamp()}")
    sleeper = Sleeper(broker, device.uid)
    at = datetime.now(UTC)
    with database.transaction() as session:
        for do, valid_s in ((CommandKind.RING, good_s), (CommandKind.LOCATE, 600)):
            valid = timedelta(seconds=valid_s)
            commands.ask(session, device.id, do=do, by=by.id, at=at, valid=valid)
    tell(database, broker)
    if restarts:
        broker.stop()
        broker.start()
    # The broker counts in whole seconds.
    until = at + timedelta(seconds=good_s + 2)
    eventually(lambda: datetime.now(UTC) > until, "the one command to expire", within_s=2 * WAIT_S)
    assert sleeper.wake_up() == ["locate"]


def test_a_command_that_has_expired_before_it_could_be_told_is_given_up(
    database: Database, broker: Broker
) -> None:
    by = make_user(database)
    device = make_device(database, uid=f"late-{datetime.now(UTC).timestamp()}")
    sleeper = Sleeper(broker, device.uid)
    with database.transaction() as session:
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        commands.ask(session, device.id, do=CommandKind.RING, by=by.id, at=hour_ago)
    tell(database, broker)
    assert sleeper.wake_up() == []
    with database.transaction() as session:
        request = session.scalars(select(Notification)).one()
    assert (request.status, request.last_error) == (WorkStatus.FAILED, "it came too late to be of use")
