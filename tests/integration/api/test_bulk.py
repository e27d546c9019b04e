"""Devices from a table: each bad line is named, and all are created or none."""

import csv
import io
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import func, select

from broker.passwords import matches
from db.models import Device, DeviceClaim, MqttCredential, User
from db.session import Database
from db.states import DeviceKind, Role
from tests.builders import make_device, make_user
from tests.integration.api.speaking import Api, wrong_fields

BULK = "/api/v1/devices/bulk/"
HEAD = "uid,model,kind,sim_number,owner_phone\n"


@pytest.fixture
def admin(database: Database) -> User:
    return make_user(database, Role.ADMIN)


def send(api: Api, admin: User, table: str | bytes, **headers: str) -> Response:
    content = table.encode() if isinstance(table, str) else table
    return api.post(BULK, admin, content=content, headers={"Content-Type": "text/csv"} | headers)


def count(database: Database) -> int:
    with database.transaction() as session:
        return sum(
            session.scalar(select(func.count()).select_from(kind)) or 0
            for kind in (Device, MqttCredential, DeviceClaim)
        )


def test_each_line_becomes_a_device_with_a_login(api: Api, database: Database, admin: User) -> None:
    owner = make_user(database)
    table = f"{HEAD}w-1,T-Watch 5,watch,+998901112233,{owner.phone}\nAA:BB,,tracker,,\n"
    answer = send(api, admin, table)
    assert answer.status_code == 201, answer.text
    first, second = answer.json()
    assert (first["claim_code"], first["username"]) == (None, "w-1")
    assert second["username"] == "AA=BB"
    with database.transaction() as session:
        devices = {each.uid: each for each in session.scalars(select(Device))}
        credential = session.get_one(MqttCredential, "w-1")
    assert (devices["w-1"].owner_id, devices["w-1"].sim_number) == (owner.id, "+998901112233")
    assert (devices["AA:BB"].owner_id, devices["AA:BB"].kind) == (None, DeviceKind.TRACKER)
    assert matches(first["password"], credential.password_hash)
    claimed = api.post("/api/v1/devices/claim/", owner, json={"code": second["claim_qr"]})
    assert claimed.json()["device_uid"] == "AA:BB"


def test_the_answer_is_a_table_for_who_asks_for_one(api: Api, admin: User) -> None:
    answer = send(api, admin, "uid\nw-1\n", Accept="text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["device_uid"] == "w-1"
    assert row["password"]
    assert row["claim_code"]


def test_every_bad_line_is_named_with_what_is_expected_and_nothing_is_created(
    api: Api, database: Database, admin: User
) -> None:
    make_device(database, uid="taken")
    before = count(database)
    lines = [
        *("good,,,,", "b@d,,,,", "w-3,,toaster,,", "w-4,,,12,", "w-5,,,,12345"),
        *("short,x", "good,,,,", "claim,,,,", f"w-9,{'x' * 101},,,"),
    ]
    wrong = wrong_fields(send(api, admin, HEAD + "\n".join(lines)))
    assert wrong == {
        "line 3, uid": "must be 1 to 64 characters: letters, digits and . _ : -",
        "line 4, kind": "must be one of watch, phone, tracker",
        "line 5, sim_number": "must be 5 to 22 digits, with or without a leading +",
        "line 6, owner_phone": "must be a phone number in international form, such as +998901234567",
        "line 7": "must have 5 fields, has 2",
        "line 8, uid": "must be another: line 2 has it already",
        "line 9, uid": "must not be one of bulk, claim, stragglers",
        "line 10, model": "must have at most 100 characters",
    }
    known = wrong_fields(send(api, admin, f"{HEAD}new,,,,\ntaken,,,,\nw-3,,,,+998909999999\n"))
    assert known == {
        "line 3, uid": "must be another, it is taken",
        "line 4, owner_phone": "must be the phone number of somebody who is registered",
    }
    assert count(database) == before


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("", "line 1"),
        ("uid,colour\nw,red\n", "line 1"),
        ("model\nx\n", "line 1"),
        ("uid\n", "body"),
        (b"uid\n\xff\n", "body"),
        ("uid\nw\0\n", "body"),
        ('uid\n"open', "line 2"),
        ("uid\n" + "\n".join(f"w-{number}" for number in range(20_001)), "body"),
    ],
)
def test_what_is_no_table_is_refused(
    api: Api, database: Database, admin: User, table: Any, field: str
) -> None:
    answer = send(api, admin, table)
    assert answer.status_code == 422
    assert list(wrong_fields(answer)) == [field]
    assert count(database) == 0


def test_a_table_may_be_larger_than_other_bodies_and_not_without_bound(api: Api, admin: User) -> None:
    rows = "\n".join(f"w-{number},{'m' * 90}" for number in range(1_000))
    assert send(api, admin, f"uid,model\n{rows}\n").status_code == 201
    assert send(api, admin, "x" * ((4 << 20) + 1)).status_code == 413
