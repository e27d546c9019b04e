"""A device that was given away, with a real keeper, notifier and broker: who hears what under which login."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from api.app import create_app
from api.settings import ApiSettings
from broker.client import Connection
from broker.topics import Service
from db.models import Device
from db.session import Database
from db.states import Outcome, Role
from dispatch import relay as dispatch_relay
from dispatch.sos import service
from notifier import relay
from notifier.channels import topic
from tests.builders import make_user, report
from tests.integration.api.speaking import Api
from tests.integration.broker.conftest import Station
from tests.servers import WAIT_S, Broker, eventually

Connect = Callable[..., Station]


@pytest.fixture
def api(database: Database) -> Api:
    settings = ApiSettings(secret=SecretStr("a secret of this test alone"), mqtt_port=1)
    return Api(create_app(settings, database=database))


@pytest.fixture
def notifier(broker: Broker) -> Iterator[Connection]:
    with Connection("notifier", Service.NOTIFIER, broker.settings) as connection:
        connection.wait_connected(WAIT_S)
        yield connection


def tell(database: Database, notifier: Connection) -> None:
    """React to all that happened, and publish all that is asked for."""
    at = datetime.now(UTC)
    while dispatch_relay.turn(database, at=at) or relay.turn(database, topic.channels(notifier), at=at):
        pass


def connect(station: Connect, mqtt: dict[str, Any]) -> Station:
    found: list[Station] = []

    def try_it() -> bool:
        found.append(station(mqtt["username"], mqtt["password"], client_id=mqtt["client_id"]))
        return found[-1].is_in

    eventually(try_it, "the device to get in")
    return found[-1]


@pytest.mark.usefixtures("keeper")
def test_the_old_login_is_cut_off_and_the_new_one_hears_nothing_of_the_one_before(
    api: Api, database: Database, notifier: Connection, station: Connect
) -> None:
    owner, other, desk = make_user(database), make_user(database), make_user(database, Role.DISPATCHER)
    uid = f"given-{datetime.now(UTC).timestamp()}"
    path, topics = f"/api/v1/devices/{uid}/", f"mayday/v1/dev/{uid}"
    old = api.post("/api/v1/devices/", owner, json={"device_uid": uid}).json()["mqtt"]
    api.call("PUT", f"{path}config/", owner, json={"rest_s": 600})
    answer = api.post("/api/v1/sos/trigger/", owner, json={"device_uid": uid})
    incident = answer.json()["event_uid"]
    tell(database, notifier)
    with database.transaction() as session:
        service.resolve(session, incident, by=desk.id, outcome=Outcome.ASSISTED, at=datetime.now(UTC))
    tell(database, notifier)
    before = connect(station, old)
    before.listen(f"{topics}/#")
    before.hears(f"{topics}/state")
    before.hears(f"{topics}/config")

    assert api.post(f"{path}transfer/", owner, json={"phone": other.phone}).status_code == 200
    eventually(lambda: before.lost_at is not None, "the old login to be cut off")
    assert not station(old["username"], old["password"]).is_in
    tell(database, notifier)

    new = api.post(f"{path}rotate/", other, json={}).json()["mqtt"]
    after = connect(station, new)
    after.listen(f"{topics}/#")
    after.hears(f"{topics}/config")
    assert {where: json.loads(what) for where, what in after.heard()} == {f"{topics}/config": {"version": 2}}

    # The call of the one before is told once more, as after a restart: not to the one after.
    relay.repeat(database, notifier, at=datetime.now(UTC))
    tell(database, notifier)
    with database.transaction() as session:
        device = session.scalars(select(Device).where(Device.uid == uid)).one()
    report(database, device, at=datetime.now(UTC), frame_id="mine")
    tell(database, notifier)
    after.hears(f"{topics}/state")
    said = [json.loads(what) for where, what in after.heard() if where == f"{topics}/state" and what]
    assert said == [{"id": "mine", "s": "active"}]
