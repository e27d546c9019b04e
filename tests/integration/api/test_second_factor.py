"""The second step of a login."""

import base64
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select

from api.accounts import totp
from api.accounts.passwords import hash_password
from db.models import RecoveryCode, SecondFactor, User
from db.session import Database
from db.states import Role
from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields

PASSWORD = "correct-horse"


class Desk:
    """Somebody of staff, with an authenticator app in hand."""

    def __init__(self, api: Api, database: Database) -> None:
        self.api = api
        self.user = make_user(database, Role.DISPATCHER)
        with database.transaction() as session:
            session.get_one(User, self.user.id).password_hash = hash_password(PASSWORD)
        self.secret = b""
        self.recovery: list[str] = []

    def code(self, steps: int = 0) -> str:
        return totp.code(self.secret, totp.step_of(self.api.now()) + steps)

    def enrol(self) -> None:
        said = self.api.post("/api/v1/auth/me/totp/", self.user).json()
        self.secret = base64.b32decode(said["secret"])

    def confirm(self) -> None:
        answer = self.api.post("/api/v1/auth/me/totp/confirm/", self.user, json={"code": self.code()})
        assert answer.status_code == 200, answer.text
        self.recovery = answer.json()["recovery_codes"]
        self.api.later(minutes=1)

    def log_in(self) -> Response:
        login = {"phone_number": self.user.phone, "password": PASSWORD}
        return self.api.post("/api/v1/auth/login/", json=login)

    def say(self, code: str, token: str | None = None) -> Response:
        token = token or self.log_in().json()["second_step"]
        said = {"second_step": token, "code": code}
        return self.api.post("/api/v1/auth/login/second-step/", json=said)


@pytest.fixture
def desk(api: Api, database: Database) -> Desk:
    return Desk(api, database)


@pytest.fixture
def enrolled(desk: Desk) -> Desk:
    desk.enrol()
    desk.confirm()
    return desk


def test_who_enrolled_says_a_code_after_the_password(api: Api, enrolled: Desk) -> None:
    first = enrolled.log_in()
    assert (first.status_code, first.json()["code"]) == (401, "second_step_needed")
    assert "access" not in first.json()
    assert api.get("/api/v1/incidents/", first.json()["second_step"]).status_code == 401
    access = enrolled.say(enrolled.code()).json()["access"]
    assert api.get("/api/v1/incidents/", access).status_code == 200
    assert api.get("/api/v1/auth/sessions/", access).json()[0]["current"]


def test_until_it_is_confirmed_nothing_is_asked(desk: Desk) -> None:
    desk.enrol()
    assert desk.log_in().status_code == 200
    desk.enrol()  # the first secret was never scanned
    desk.confirm()
    assert desk.log_in().status_code == 401


def test_a_code_is_good_once(enrolled: Desk) -> None:
    code = enrolled.code()
    assert enrolled.say(code).status_code == 200
    assert enrolled.say(code).status_code == 401
    assert enrolled.say(enrolled.code(-1)).status_code == 401
    enrolled.api.later(seconds=30)
    assert enrolled.say(enrolled.code()).status_code == 200


def test_the_code_that_confirmed_is_spent(desk: Desk) -> None:
    desk.enrol()
    code = desk.code()
    desk.api.post("/api/v1/auth/me/totp/confirm/", desk.user, json={"code": code})
    assert desk.say(code).status_code == 401


def test_a_recovery_code_is_good_once_however_it_is_written(enrolled: Desk) -> None:
    code = enrolled.recovery[0]
    assert enrolled.say(f"{code[:8]}-{code[8:]} ".upper()).status_code == 200
    assert enrolled.say(code).status_code == 401
    assert enrolled.say(enrolled.recovery[1]).status_code == 200


def test_the_first_step_lasts_five_minutes_and_is_no_other_token(api: Api, enrolled: Desk) -> None:
    token = enrolled.log_in().json()["second_step"]
    api.later(minutes=6)
    assert enrolled.say(enrolled.code(), token).status_code == 401
    for other in (api.token(enrolled.user), "rubbish", ""):
        assert enrolled.say(enrolled.code(), other or "a.b.c").status_code == 401


def test_guessing_has_to_wait(enrolled: Desk) -> None:
    token = enrolled.log_in().json()["second_step"]
    wrong = f"{(int(enrolled.code()) + 1) % 1_000_000:06}"
    assert {enrolled.say(wrong, token).status_code for _ in range(10)} == {401}
    assert enrolled.say(enrolled.code(), token).status_code == 429


def test_who_is_blocked_between_the_steps_does_not_come_in(
    api: Api, database: Database, enrolled: Desk
) -> None:
    token = enrolled.log_in().json()["second_step"]
    admin = make_user(database, Role.ADMIN)
    api.post(f"/api/v1/users/{enrolled.user.uuid}/block/", admin)
    assert enrolled.say(enrolled.code(), token).status_code == 403


def test_it_is_taken_away_on_a_code_and_not_by_a_token_alone(api: Api, enrolled: Desk) -> None:
    remove = "/api/v1/auth/me/totp/remove/"
    answer = api.post(remove, enrolled.user, json={"code": "wrong"})
    assert answer.status_code == 422
    assert "code" in wrong_fields(answer)
    assert api.post("/api/v1/auth/me/totp/", enrolled.user).status_code == 409
    assert api.post(remove, enrolled.user, json={"code": enrolled.code()}).status_code == 204
    assert enrolled.log_in().status_code == 200


def test_an_admin_helps_who_lost_everything(api: Api, database: Database, enrolled: Desk) -> None:
    admin = make_user(database, Role.ADMIN)
    for _ in range(2):
        assert api.call("DELETE", f"/api/v1/users/{enrolled.user.uuid}/totp/", admin).status_code == 204
    assert enrolled.log_in().status_code == 200
    (entry,) = api.get("/api/v1/audit/", admin).json()["items"]
    assert entry["action"] == "second_factor.removed"


def test_neither_secret_nor_recovery_codes_can_be_read_in_the_database(
    database: Database, enrolled: Desk
) -> None:
    with database.transaction() as session:
        kept: list[Any] = [
            *session.scalars(select(RecoveryCode.code_hash)),
            *session.scalars(select(SecondFactor.secret)),
        ]
    assert len(kept) == 11
    for said in (*enrolled.recovery, totp.in_base32(enrolled.secret), enrolled.secret.hex()):
        assert not any(said in each for each in kept)
