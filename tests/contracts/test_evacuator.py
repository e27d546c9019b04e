"""Coming in as evacuator documents it."""

from datetime import datetime
from typing import Any

import pytest

from db.session import Database
from db.states import Role
from tests.builders import make_user
from tests.contracts.answers import check, integer, text
from tests.integration.api.speaking import Api, wrong_fields

REGISTER = {
    "phone": "+79001234567",
    "email": "client1@example.org",
    "first_name": "Иван",
    "last_name": "Петров",
    "user_type": "CLIENT",
    "password": "someStrongPassword123",
    "password_confirm": "someStrongPassword123",
}
LOGIN = {"phone": "+79001234567", "password": "someStrongPassword123"}


def is_time(said: Any) -> bool:
    return datetime.fromisoformat(said).tzinfo is not None


USER = {
    "id": integer,
    "username": "79001234567",
    "email": "client1@example.org",
    "phone": "+79001234567",
    "first_name": "Иван",
    "last_name": "Петров",
    "user_type": "CLIENT",
    "date_joined": is_time,
}
ENTRY = {"user": USER, "access": text, "refresh": text}


def register(api: Api, **other: Any) -> dict[str, Any]:
    answer = api.post("/api/v1/auth/register/", json=REGISTER | other)
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_registration(api: Api) -> None:
    check(api.post("/api/v1/auth/register/", json=REGISTER), 201, ENTRY)


def test_registration_of_a_driver(api: Api) -> None:
    driver = REGISTER | {"user_type": "DRIVER"}
    check(api.post("/api/v1/auth/register/", json=driver), 201, {"user": USER | {"user_type": "DRIVER"}})


def test_what_the_contract_does_not_know_is_ignored(api: Api) -> None:
    more = {"is_staff": True, "role": "ADMIN", "id": 1}
    check(api.post("/api/v1/auth/register/", json=REGISTER | more), 201, ENTRY)


def test_login_with_phone_and_password(api: Api) -> None:
    register(api)
    check(api.post("/api/v1/auth/login/", json=LOGIN), 200, ENTRY)


def test_refresh(api: Api) -> None:
    refresh = register(api)["refresh"]
    check(api.post("/api/v1/auth/token/refresh/", json={"refresh": refresh}), 200, {"access": text})


def test_profile(api: Api) -> None:
    access = register(api)["access"]
    check(api.get("/api/v1/auth/profile/", access), 200, USER)


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.ADMIN])
def test_whoever_runs_the_desk_is_an_operator(api: Api, database: Database, role: Role) -> None:
    caller = make_user(database, role, name="Aziza")
    documented = {"user_type": "OPERATOR", "first_name": "Aziza", "last_name": ""}
    check(api.get("/api/v1/auth/profile/", caller), 200, documented)


def test_nobody_becomes_an_operator_by_saying_so(api: Api) -> None:
    answer = api.post("/api/v1/auth/register/", json=REGISTER | {"user_type": "OPERATOR"})
    assert answer.status_code == 422
    assert wrong_fields(answer) == {"user_type": "input should be 'CLIENT' or 'DRIVER'"}


def test_each_wrong_field_is_named_in_its_own_words(api: Api) -> None:
    wrong = {"phone": "1", "password": "short", "password_confirm": "other", "email": "@"}
    answer = api.post("/api/v1/auth/register/", json=wrong)
    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == {"phone", "password", "email"}
    answer = api.post("/api/v1/auth/login/", json={"phone": "+79001234567"})
    assert wrong_fields(answer) == {"password": "is required"}


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"email": "other@example.org"}, "phone"),
        ({"phone": "+79007654321", "email": "CLIENT1@example.org"}, "email"),
    ],
)
def test_what_somebody_else_has_is_named(api: Api, other: dict[str, str], field: str) -> None:
    register(api)
    answer = api.post("/api/v1/auth/register/", json=REGISTER | other)
    assert answer.status_code == 409
    assert list(wrong_fields(answer)) == [field]


def test_accounts_of_both_contracts_are_one(api: Api) -> None:
    register(api)
    login = {"phone_number": LOGIN["phone"], "password": LOGIN["password"]}
    said = api.post("/api/v1/auth/login/", json=login | {"email": "x"}).json()
    assert set(said) == {"access", "refresh"}
    check(api.get("/api/v1/auth/profile/", said["access"]), 200, USER)


def test_words_of_both_contracts_at_once_are_read_as_mdd(api: Api) -> None:
    answer = api.post("/api/v1/auth/register/", json=REGISTER | {"phone_number": "+79001234567"})
    assert set(wrong_fields(answer)) == {"full_name", "password2"}
