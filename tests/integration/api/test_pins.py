"""Setting the pins by which a call is taken back."""

from typing import Any

import pytest
from sqlalchemy import select

from api.accounts.passwords import hash_password
from db.models import Pin, User
from db.session import Database
from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields

PATH = "/api/v1/auth/me/pin/"
PASSWORD = "correct-horse"


@pytest.fixture
def wearer(database: Database) -> User:
    user = make_user(database)
    with database.transaction() as session:
        session.get_one(User, user.id).password_hash = hash_password(PASSWORD)
    return user


def put(api: Api, by: User, **said: Any) -> Any:
    return api.call("PUT", PATH, by, json={"password": PASSWORD, "pin": "4711"} | said)


def stored(database: Database) -> list[Pin]:
    with database.transaction() as session:
        return list(session.scalars(select(Pin)))


def test_pins_are_set_changed_and_forgotten_with_the_password(
    api: Api, database: Database, wearer: User
) -> None:
    assert put(api, wearer).status_code == 204
    [first] = stored(database)
    assert first.duress_hash is None
    assert put(api, wearer, pin="12345678", duress_pin="9999").status_code == 204
    [second] = stored(database)
    assert second.duress_hash is not None
    assert second.pin_hash != first.pin_hash
    for _ in range(2):
        assert api.call("DELETE", PATH, wearer, json={"password": PASSWORD}).status_code == 204
    assert stored(database) == []


def test_who_holds_the_phone_but_not_the_password_changes_no_pin(
    api: Api, database: Database, wearer: User
) -> None:
    put(api, wearer)
    [before] = stored(database)
    for _ in range(10):
        assert put(api, wearer, password="guess", pin="0000").status_code == 403
    assert put(api, wearer, pin="0000").status_code == 429
    assert api.call("DELETE", PATH, wearer, json={"password": PASSWORD}).status_code == 429
    assert [pin.pin_hash for pin in stored(database)] == [before.pin_hash]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"pin": "471"}, "pin"),
        ({"pin": "471147114"}, "pin"),
        ({"pin": "47l1"}, "pin"),
        ({"pin": "٤٧١١"}, "pin"),
        ({"duress_pin": "4711"}, "duress_pin"),
        ({"duress_pin": "x"}, "duress_pin"),
        ({"pins": "4711"}, "pins"),
    ],
)
def test_a_pin_is_four_to_eight_digits_and_the_two_differ(
    api: Api, wearer: User, said: dict[str, str], field: str
) -> None:
    answer = put(api, wearer, **said)
    assert answer.status_code == 422
    assert list(wrong_fields(answer)) == [field]
    assert "4711" not in answer.text


def test_an_account_without_a_password_is_told_how_to_get_one(api: Api, database: Database) -> None:
    answer = put(api, make_user(database))
    assert answer.status_code == 409
    assert "/api/v1/auth/codes/reset/" in answer.json()["detail"]
