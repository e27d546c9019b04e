"""A request that is sent again under its key acts once, whatever happened to the first answer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from fastapi import APIRouter
from httpx2 import Response
from sqlalchemy import func, select, text

from api.deps import WriteSession
from api.idempotency import Once
from db import answers, retention
from db.models import Device, DeviceCommand, KeptAnswer, MqttCredential, User
from db.session import Database
from db.states import Role
from tests.builders import make_device, make_user
from tests.integration.api.speaking import Api, wrong_fields
from tests.servers import eventually

DEVICES = "/api/v1/devices/"
WATCH = {"device_uid": "watch-1", "model": "T-Watch 5"}
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


@pytest.fixture
def owner(database: Database) -> User:
    return make_user(database)


def send(api: Api, by: User, path: str = DEVICES, said: Any = WATCH, key: Any = KEY, **how: Any) -> Response:
    return api.post(path, by, json=said, headers=key, **how)


def count(database: Database, kind: Any) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(kind)) or 0


def is_replayed(answer: Response) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


def test_a_request_sent_again_gets_the_first_answer_again(api: Api, database: Database, owner: User) -> None:
    first, again = send(api, owner), send(api, owner)
    assert (first.status_code, is_replayed(first)) == (201, False)
    assert (again.status_code, is_replayed(again)) == (201, True)
    assert again.json() == first.json()
    assert again.headers["content-type"] == first.headers["content-type"]
    assert count(database, Device) == 1


def test_without_a_key_each_request_acts(api: Api, database: Database, owner: User) -> None:
    make_device(database, owner, uid="mine")
    for _ in range(2):
        assert not is_replayed(send(api, owner, f"{DEVICES}mine/commands/", {"do": "ring"}, key={}))
    assert count(database, DeviceCommand) == 2
    assert count(database, KeptAnswer) == 0


def test_every_act_on_devices_that_must_not_happen_twice_takes_a_key(
    api: Api, database: Database, owner: User
) -> None:
    admin, other = make_user(database, Role.ADMIN), make_user(database)
    make_device(database, uid="boxed")
    send(api, owner, key={})
    mine = f"{DEVICES}watch-1/"
    acts: list[tuple[User, str, dict[str, Any]]] = [
        (owner, f"{mine}commands/", {"json": {"do": "locate"}}),
        (owner, f"{mine}rotate/", {"json": {"stolen": True}}),
        (owner, f"{mine}transfer/", {"json": {"phone": other.phone}}),
        (admin, f"{DEVICES}boxed/claim-code/", {}),
        (admin, f"{DEVICES}bulk/", {"content": b"uid\nw-1\n"}),
    ]
    for by, path, said in acts:
        first, again = (api.post(path, by, headers=KEY, **said) for _ in range(2))
        assert first.is_success, first.text
        assert (again.status_code, again.json()) == (first.status_code, first.json()), path
        assert (is_replayed(first), is_replayed(again)) == (False, True), path


def test_a_table_is_answered_again_as_a_table(api: Api, database: Database) -> None:
    admin = make_user(database, Role.ADMIN)
    said: dict[str, Any] = {"content": b"uid\nw-1\nw-2\n", "headers": KEY | {"Accept": "text/csv"}}
    first, again = (api.post(f"{DEVICES}bulk/", admin, **said) for _ in range(2))
    assert is_replayed(again)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]


def test_another_request_under_the_same_key_is_refused_and_does_nothing(
    api: Api, database: Database, owner: User
) -> None:
    send(api, owner)
    for said, query in ((WATCH | {"device_uid": "watch-2"}, ""), (WATCH, "?page=2")):
        answer = send(api, owner, DEVICES + query, said)
        assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
        assert "Idempotency-Key" in wrong_fields(answer)
    assert count(database, Device) == 1


def test_a_key_is_ones_own_and_counts_for_one_path(api: Api, database: Database, owner: User) -> None:
    other = make_user(database)
    for by, uid in ((owner, "one"), (owner, "two"), (other, "three")):
        make_device(database, by, uid=uid)
        assert not is_replayed(send(api, by, f"{DEVICES}{uid}/commands/", {"do": "ring"}))
    assert count(database, DeviceCommand) == 3


def test_a_request_that_failed_may_be_sent_again_and_then_acts(
    api: Api, database: Database, owner: User
) -> None:
    for said in (WATCH | {"device_uid": "no uid"}, {}):
        assert send(api, owner, said=said).status_code == 422
    make_device(database, make_user(database), uid="watch-1")
    assert send(api, owner).status_code == 409
    with database.transaction() as session:
        session.delete(session.scalars(select(Device)).one())
    assert (send(api, owner).status_code, is_replayed(send(api, owner))) == (201, True)


@pytest.mark.parametrize("key", ["", "with a blank", "x" * 256, "\xe9"])
def test_a_key_that_cannot_be_kept_is_refused(api: Api, owner: User, key: str) -> None:
    answer = send(api, owner, key={"Idempotency-Key": key.encode("latin-1")})
    assert answer.status_code == 422
    assert list(wrong_fields(answer)) == ["Idempotency-Key"]


def test_no_secret_of_an_answer_lies_in_clear(api: Api, database: Database, owner: User) -> None:
    password = send(api, owner).json()["mqtt"]["password"]
    with database.transaction() as session:
        kept = session.execute(text("SELECT kept_answers::text FROM kept_answers")).scalar_one()
    assert password not in kept
    assert "watch-1" not in kept


def test_a_replay_needs_the_rights_of_the_moment(api: Api, database: Database, owner: User) -> None:
    admin, boss = make_user(database, Role.ADMIN), make_user(database, Role.ADMIN)
    said: dict[str, Any] = {"content": b"uid\nw-1\n", "headers": KEY}
    assert api.post(f"{DEVICES}bulk/", admin, **said).status_code == 201
    api.call("DELETE", f"/api/v1/users/{admin.uuid}/roles/admin/", boss)
    assert api.post(f"{DEVICES}bulk/", admin, **said).status_code == 403
    send(api, owner)
    api.post(f"/api/v1/users/{owner.uuid}/block/", boss)
    assert send(api, owner).status_code == 403


def test_a_key_is_free_again_after_a_day(api: Api, database: Database, owner: User) -> None:
    make_device(database, owner, uid="mine")
    path = f"{DEVICES}mine/commands/"
    send(api, owner, path, {"do": "ring"})
    api.later(hours=23, minutes=59)
    assert is_replayed(send(api, owner, path, {"do": "ring"}))
    api.later(minutes=2)
    # What is not cleared away yet is not answered with either.
    assert not is_replayed(send(api, owner, path, {"do": "locate"}))
    assert is_replayed(send(api, owner, path, {"do": "locate"}))
    assert (count(database, DeviceCommand), count(database, KeptAnswer)) == (2, 1)


def test_answers_are_cleared_away_after_a_day(api: Api, database: Database, owner: User) -> None:
    send(api, owner)
    at = api.now()
    assert retention.prune(database, at=at + timedelta(hours=23))["kept_answers"] == 0
    assert retention.prune(database, at=at + timedelta(hours=25))["kept_answers"] == 1


@contextmanager
def held(database: Database, device: Device) -> Iterator[None]:
    """Nobody else may change the device meanwhile."""
    with database.transaction() as session:
        session.execute(select(Device.id).where(Device.id == device.id).with_for_update())
        yield


def waiting(database: Database, kind: str) -> int:
    """How many wait for a lock of this kind."""
    with database.transaction() as session:
        asked = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = :kind")
        return int(session.execute(asked, {"kind": kind}).scalar_one())


def start(given: list[Response], api: Api, by: User) -> threading.Thread:
    thread = threading.Thread(target=lambda: given.append(send(api, by, f"{DEVICES}mine/rotate/", {})))
    thread.start()
    return thread


def test_of_two_equal_requests_at_once_one_acts_and_the_other_waits_for_its_answer(
    api: Api, database: Database, owner: User
) -> None:
    device = make_device(database, owner, uid="mine")
    given: list[Response] = []
    with held(database, device):
        threads = [start(given, api, owner) for _ in range(2)]
        eventually(lambda: waiting(database, "transactionid") == 1, "one to have begun")
        eventually(lambda: waiting(database, "advisory") == 1, "the other to wait for it")
    for thread in threads:
        thread.join()
    assert [each.status_code for each in given] == [200, 200]
    assert sorted(map(is_replayed, given)) == [False, True]
    assert given[0].json() == given[1].json()
    with database.transaction() as session:
        assert session.scalars(select(MqttCredential.number)).all() == [1]


def test_who_waits_too_long_is_told_to_ask_again(
    api: Api, database: Database, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impatient(session: Any, asked: Any) -> None:
        session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        wait_for_turn(session, asked)

    wait_for_turn = answers.wait_for_turn
    monkeypatch.setattr(answers, "wait_for_turn", impatient)
    asked = answers.Asked(owner.id, f"POST {DEVICES}", KEY["Idempotency-Key"])
    with database.transaction() as session:
        wait_for_turn(session, asked)
        answer = send(api, owner)
    assert (answer.status_code, answer.json()["code"]) == (503, "under_way")
    assert answer.headers["retry-after"]
    assert send(api, owner).status_code == 201


def test_the_answer_of_one_that_failed_while_another_waited_is_not_given_to_that_one(
    api: Api, database: Database, owner: User
) -> None:
    device = make_device(database, owner, uid="mine")
    given: list[Response] = []
    with held(database, device):
        threads = [start(given, api, owner) for _ in range(2)]
        eventually(lambda: waiting(database, "transactionid") == 1, "one to have begun")
        eventually(lambda: waiting(database, "advisory") == 1, "the other to wait for it")
        with database.transaction() as session:
            killed = text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
                " WHERE NOT granted AND locktype = 'transactionid'"
            )
            session.execute(killed)
        eventually(lambda: len(given) == 1, "the first to fail")
    for thread in threads:
        thread.join()
    assert sorted(each.status_code for each in given) == [200, 503]
    assert not any(map(is_replayed, given))
    assert is_replayed(send(api, owner, f"{DEVICES}mine/rotate/", {}))


def test_a_route_that_takes_a_key_and_keeps_no_answer_is_a_fault_that_changes_nothing(
    api: Api, database: Database, owner: User
) -> None:
    router = APIRouter()

    @router.post("/forgetful/")
    def forgetful(once: Once, session: WriteSession) -> None:
        session.add(Device(uid="left-over"))

    api.app.include_router(router)
    assert api.post("/forgetful/", owner).status_code == 200
    with database.transaction() as session:
        session.delete(session.scalars(select(Device)).one())
    assert api.post("/forgetful/", owner, headers=KEY).status_code == 500
    assert count(database, Device) == 0


def test_the_published_contract_tells_of_the_key(api: Api) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    parameters = paths["/api/v1/devices/{uid}/rotate/"]["post"]["parameters"]
    (key,) = [each for each in parameters if each["in"] == "header"]
    assert (key["name"], key["required"]) == ("Idempotency-Key", False)
