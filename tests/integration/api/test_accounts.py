"""Coming in, as the documented contract has it."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select, update

from api.accounts import logins, passwords
from db.models import RefreshToken, User
from db.session import Database
from db.states import UserStatus
from tests.integration.api.speaking import Api, wrong_fields

ANN = {
    "phone_number": "+998901234567",
    "full_name": "Full Name",
    "password": "someStrongPassword123",
    "password2": "someStrongPassword123",
}
LOGIN = {name: ANN[name] for name in ("phone_number", "password")}


def register(api: Api, **other: Any) -> dict[str, Any]:
    answer = api.post("/api/v1/auth/register/", json=ANN | other)
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def refresh(api: Api, token: str) -> dict[str, Any] | None:
    answer = api.post("/api/v1/auth/refresh/", json={"refresh": token})
    if answer.status_code != 200:
        assert answer.status_code == 401
        assert answer.json()["code"] == "unauthenticated"
        return None
    said: dict[str, Any] = answer.json()
    return said


def test_registration_answers_as_documented(api: Api) -> None:
    said = register(api)
    assert said["user"] | {"uuid": None} == {
        "uuid": None,
        "full_name": "Full Name",
        "phone_number": "+998901234567",
        "email": None,
        "role": "USER",
        "status": "ACTIVE",
    }
    assert uuid.UUID(said["user"]["uuid"])
    assert set(said) == {"user", "access", "refresh"}


def test_who_registered_is_logged_in_and_can_log_in_again(api: Api) -> None:
    registered = register(api)
    answer = api.post("/api/v1/auth/login/", json=LOGIN)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    for access in (registered["access"], answer.json()["access"]):
        assert api.get("/api/v1/incidents/", access).status_code == 200


def test_a_number_is_the_same_however_it_is_written(api: Api) -> None:
    register(api, phone_number="+998 (90) 123-45-67")
    assert api.post("/api/v1/auth/login/", json=LOGIN).status_code == 200


def test_a_number_is_registered_once(api: Api) -> None:
    register(api)
    again = api.post("/api/v1/auth/register/", json=ANN)
    assert again.status_code == 409
    assert again.json()["code"] == "taken"
    assert "phone_number" in wrong_fields(again)


def test_the_password_is_kept_as_an_argon2id_hash_alone(api: Api, database: Database) -> None:
    register(api)
    with database.transaction() as session:
        stored = session.scalars(select(User.password_hash)).one()
    assert stored is not None
    assert stored.startswith("$argon2id$")


def test_an_unknown_number_and_a_wrong_password_are_told_the_same(api: Api) -> None:
    register(api)
    wrong = api.post("/api/v1/auth/login/", json=LOGIN | {"password": "wrong"})
    unknown = api.post("/api/v1/auth/login/", json=LOGIN | {"phone_number": "+998907654321"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    assert wrong.status_code == 401
    assert wrong.headers["www-authenticate"] == "Bearer"


def test_no_login_begins_with_a_password_that_was_replaced_while_it_was_compared(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(api)

    def compare_slowly(password: str, stored_hash: str | None) -> bool:
        with database.transaction() as session:
            session.execute(update(User).values(password_hash="another"))
        return passwords.is_right(password, stored_hash)

    monkeypatch.setattr(logins, "is_right", compare_slowly)
    assert api.post("/api/v1/auth/login/", json=LOGIN).status_code == 401


def test_who_is_blocked_cannot_come_in_or_stay_in(api: Api, database: Database) -> None:
    registered = register(api)
    with database.transaction() as session:
        session.execute(update(User).values(status=UserStatus.BLOCKED))
    assert api.post("/api/v1/auth/login/", json=LOGIN).status_code == 403
    assert api.get("/api/v1/incidents/", registered["access"]).status_code == 403
    assert refresh(api, registered["refresh"]) is None


def test_too_many_wrong_passwords_have_to_wait(api: Api) -> None:
    register(api)
    for _ in range(10):
        api.post("/api/v1/auth/login/", json=LOGIN | {"password": "wrong"})
    answer = api.post("/api/v1/auth/login/", json=LOGIN)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 301
    api.later(minutes=6)
    assert api.post("/api/v1/auth/login/", json=LOGIN).status_code == 200


def test_an_unknown_number_costs_a_comparison_and_who_has_to_wait_costs_none(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str | None] = []

    def compare(_: str, stored_hash: str | None) -> bool:
        compared.append(stored_hash)
        return False

    monkeypatch.setattr(logins, "is_right", compare)
    answers = [api.post("/api/v1/auth/login/", json=LOGIN).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]
    assert compared == [None] * 10


def test_a_refresh_token_gives_a_new_access_token(api: Api) -> None:
    registered = register(api)
    api.later(minutes=16)
    assert api.get("/api/v1/incidents/", registered["access"]).status_code == 401
    said = refresh(api, registered["refresh"])
    assert said is not None
    assert api.get("/api/v1/incidents/", said["access"]).status_code == 200


def test_a_client_that_knows_only_access_stays_in_with_its_first_refresh_token(api: Api) -> None:
    token = register(api)["refresh"]
    for _ in range(8):
        api.later(hours=6)
        assert refresh(api, token) is not None


def test_what_such_a_client_leaves_behind_is_bounded(api: Api, database: Database) -> None:
    token = register(api)["refresh"]
    for _ in range(8):
        api.later(hours=6)
        refresh(api, token)
    with database.transaction() as session:
        assert len(session.scalars(select(RefreshToken.token_hash)).all()) == 5


def test_a_client_that_rotates_stays_in(api: Api) -> None:
    token = register(api)["refresh"]
    for _ in range(5):
        api.later(days=20)
        said = refresh(api, token)
        assert said is not None
        token = said["refresh"]


def test_a_spent_token_that_comes_back_ends_the_whole_family(api: Api) -> None:
    stolen = register(api)["refresh"]
    second = refresh(api, stolen)
    assert second is not None
    third = refresh(api, second["refresh"])
    assert third is not None
    api.later(seconds=11)
    assert refresh(api, stolen) is None
    assert refresh(api, third["refresh"]) is None


def test_two_requests_that_crossed_end_nothing(api: Api) -> None:
    first = register(api)["refresh"]
    second = refresh(api, first)
    assert second is not None
    assert refresh(api, second["refresh"]) is not None
    api.later(seconds=9)
    assert refresh(api, first) is not None
    assert refresh(api, second["refresh"]) is not None


def test_another_login_is_another_family(api: Api) -> None:
    first = register(api)["refresh"]
    other = api.post("/api/v1/auth/login/", json=LOGIN).json()["refresh"]
    second = refresh(api, first)
    assert second is not None
    refresh(api, second["refresh"])
    api.later(minutes=1)
    assert refresh(api, first) is None
    assert refresh(api, other) is not None


def test_a_refresh_token_has_an_end(api: Api) -> None:
    token = register(api)["refresh"]
    api.later(days=31)
    assert refresh(api, token) is None


def test_refresh_tokens_are_kept_as_hashes_alone(api: Api, database: Database) -> None:
    token = register(api)["refresh"]
    with database.transaction() as session:
        stored = session.scalars(select(RefreshToken.token_hash)).all()
    assert len(stored) == 1
    assert token not in stored[0]


@pytest.mark.parametrize("token", ["", "unknown", "ж", "a\x00b", "x" * 200])
def test_an_unknown_refresh_token_is_refused(api: Api, token: str) -> None:
    answer = api.post("/api/v1/auth/refresh/", json={"refresh": token})
    assert answer.status_code == 401
