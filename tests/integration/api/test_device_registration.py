"""Registering devices."""

import uuid

from sqlalchemy import select

from api.devices.service import give_dispatcher_credentials, register_device
from broker.passwords import matches
from db.models import Device, MqttCredential
from db.session import Database
from db.states import CredentialKind, Role
from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields

WATCH = {"device_uid": "watch_unique_serial_001", "model": "T-Watch 5"}


def test_a_device_is_answered_as_documented_with_its_way_to_the_broker(api: Api) -> None:
    answer = api.post("/api/v1/devices/", make_user(api.app.state.database), json=WATCH)
    assert answer.status_code == 201
    said = answer.json()
    assert uuid.UUID(said.pop("uuid"))
    mqtt = said.pop("mqtt")
    assert said == WATCH | {"sim_number": None}
    assert mqtt["username"] == "watch_unique_serial_001"
    assert mqtt["client_id"].startswith("watch_unique_serial_001-")
    assert (mqtt["host"], mqtt["port"], mqtt["tls_port"], mqtt["ws_port"]) == ("testserver", 1883, 8883, 9001)
    assert len(mqtt["password"]) >= 20


def test_the_device_belongs_to_the_caller_and_its_password_is_kept_as_a_hash(
    api: Api, database: Database
) -> None:
    owner = make_user(database)
    password = api.post("/api/v1/devices/", owner, json=WATCH).json()["mqtt"]["password"]
    with database.transaction() as session:
        device = session.scalars(select(Device)).one()
        credential = session.scalars(select(MqttCredential)).one()
    assert device.owner_id == owner.id
    assert (credential.device_id, credential.kind) == (device.id, CredentialKind.DEVICE)
    assert matches(password, credential.password_hash)


def test_a_mac_address_is_a_uid_and_its_username_fits_a_password_file(api: Api, database: Database) -> None:
    answer = api.post("/api/v1/devices/", make_user(database), json={"device_uid": "AA:BB:CC:00:11:22"})
    assert answer.json()["device_uid"] == "AA:BB:CC:00:11:22"
    assert answer.json()["mqtt"]["username"] == "AA=BB=CC=00=11=22"


def test_a_uid_is_taken_once_whoever_asks(api: Api, database: Database) -> None:
    owner = make_user(database)
    api.post("/api/v1/devices/", owner, json=WATCH)
    for caller in (owner, make_user(database)):
        again = api.post("/api/v1/devices/", caller, json=WATCH)
        assert again.status_code == 409
        assert again.json()["code"] == "taken"
        assert "watch_unique_serial_001" in wrong_fields(again)["device_uid"]


def test_a_device_cannot_take_the_name_of_a_dispatchers_broker_user(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        give_dispatcher_credentials(session, desk.id, username="desk")
    answer = api.post("/api/v1/devices/", make_user(database), json={"device_uid": "desk"})
    assert answer.status_code == 409
    with database.transaction() as session:
        assert session.scalars(select(Device)).all() == []


def test_a_dispatchers_credentials_given_again_replace_the_old_ones(database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        first = give_dispatcher_credentials(session, desk.id)
    with database.transaction() as session:
        second = give_dispatcher_credentials(session, desk.id, regions=["north"])
    with database.transaction() as session:
        credential = session.scalars(select(MqttCredential)).one()
    assert first[0] == second[0] == credential.username
    assert matches(second[1], credential.password_hash)
    assert not matches(first[1], credential.password_hash)
    assert credential.alert_regions == ["north"]


def test_the_verb_itself_serves_without_a_counter(database: Database) -> None:
    with database.transaction() as session:
        device, secret = register_device(session, make_user(database).id, uid="watch-9", model="T-Watch 5")
    assert device.uid == "watch-9"
    assert secret
