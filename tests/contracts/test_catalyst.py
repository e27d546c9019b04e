"""Coming in as catalyst documents it."""

from typing import Any

import pytest
from fastapi import APIRouter
from sqlalchemy import select, update

from api.dialects.catalyst.callers import TokenCaller
from db.models import ApiToken, User
from db.session import Database
from db.states import UserStatus
from tests.contracts.answers import check, text
from tests.integration.api.speaking import Api, wrong_fields

REGISTER = {"email": "testuser@example.com", "password": "yourstrongpassword"}


def register(api: Api) -> str:
    token: str = check(api.post("/api/users/register/", json=REGISTER), 201, {"token": text})["token"]
    return token


@pytest.fixture
def whoami(api: Api) -> str:
    """A route for holders of a token, as orders will have it."""
    router = APIRouter()

    @router.get("/whoami/")
    def say(caller: TokenCaller) -> dict[str, str]:
        return {"uuid": str(caller.uuid)}

    api.app.include_router(router)
    return "/whoami/"


def ask(api: Api, path: str, token: str, scheme: str = "Token") -> int:
    return api.get(path, headers={"Authorization": f"{scheme} {token}"}).status_code


def test_registration(api: Api) -> None:
    register(api)


def test_the_token_opens_what_it_is_documented_for(api: Api, whoami: str, database: Database) -> None:
    token = register(api)
    answer = api.get(whoami, headers={"Authorization": f"Token {token}"})
    with database.transaction() as session:
        owner = session.scalars(select(User)).one()
    check(answer, 200, {"uuid": str(owner.uuid)})
    api.later(days=1000)
    assert ask(api, whoami, token) == 200


def test_the_token_opens_nothing_else(api: Api, whoami: str) -> None:
    token = register(api)
    assert ask(api, whoami, token, "Bearer") == 401
    assert ask(api, "/api/v1/auth/profile/", token) == 401
    assert ask(api, "/api/v1/auth/profile/", token, "Bearer") == 401


@pytest.mark.parametrize("shown", ["", "Token", "Token ", "Token x", "Token  ж", "Basic x"])
def test_what_is_no_token_of_ours_is_nobody(api: Api, whoami: str, shown: str) -> None:
    answer = api.get(whoami, headers={"Authorization": shown.encode()})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Token"


def test_a_revoked_token_is_nobodys(api: Api, whoami: str) -> None:
    token = register(api)
    ended = api.call("DELETE", "/api/users/token/", headers={"Authorization": f"Token {token}"})
    assert ended.status_code == 204
    assert ask(api, whoami, token) == 401


def test_whose_account_is_blocked_has_a_token_in_vain(api: Api, whoami: str, database: Database) -> None:
    token = register(api)
    with database.transaction() as session:
        session.execute(update(User).values(status=UserStatus.BLOCKED))
    assert ask(api, whoami, token) == 403


def test_tokens_are_kept_as_hashes_alone(api: Api, database: Database) -> None:
    token = register(api)
    with database.transaction() as session:
        assert token not in session.scalars(select(ApiToken.token_hash)).one()


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": None}, "email"),
        ({"email": "a\x00b@example.com"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": f"{'x' * 300}@example.com"}, "email"),
        ({"password": "short"}, "password"),
    ],
)
def test_a_wrong_field_is_named(api: Api, other: dict[str, Any], field: str, database: Database) -> None:
    answer = api.post("/api/users/register/", json=REGISTER | other)
    assert answer.status_code == 400
    assert list(wrong_fields(answer)) == [field]
    with database.transaction() as session:
        assert session.scalars(select(User)).all() == []


def test_an_email_is_registered_once_whatever_its_case(api: Api) -> None:
    register(api)
    answer = api.post("/api/users/register/", json=REGISTER | {"email": "TestUser@Example.com"})
    assert answer.status_code == 409
    assert list(wrong_fields(answer)) == ["email"]
