"""Coming in, going out and giving orders away as invo documents it."""

from typing import Any

import pytest
from sqlalchemy import select

from db.models import Notification, User
from db.session import Database
from db.states import Role
from tests.asking import give_app
from tests.builders import make_user
from tests.contracts.answers import check, text
from tests.integration.api.postman import Postman
from tests.integration.api.speaking import Api, Login, log_in
from tests.ordering import make_driver, place_order

LOGOUT = "/api/auth/logout/"
TOKENS = {"access": text, "refresh": text}


@pytest.fixture
def ann(database: Database) -> User:
    return make_user(database)


@pytest.fixture
def login(api: Api, database: Database, ann: User) -> Login:
    return log_in(api, database, ann)


def test_a_code_is_asked_for(api: Api, database: Database, ann: User) -> None:
    check(api.post("/api/auth/phone-login/", json={"phone": ann.phone}), 200, {"detail": text})
    with database.transaction() as session:
        assert session.scalars(select(Notification.kind)).all() == ["sms"]


def test_the_code_gives_tokens(api: Api, database: Database, ann: User, post: Postman) -> None:
    api.post("/api/auth/phone-login/", json={"phone": ann.phone})
    said = {"phone": ann.phone, "code": post.code()}
    access = check(api.post("/api/auth/verify-otp/", json=said), 200, TOKENS)["access"]
    assert api.get("/api/v1/auth/me/", access).status_code == 200


@pytest.mark.parametrize("sent", [{}, {"json": {"refresh": "a token"}}, {"content": b"{"}])
def test_after_logging_out_no_token_of_the_login_is_good(
    api: Api, login: Login, sent: dict[str, Any]
) -> None:
    check(api.post(LOGOUT, login.access, **sent), 200, {"detail": text})
    assert api.get("/api/v1/auth/me/", login.access).status_code == 401
    assert api.post("/api/v1/auth/refresh/", json={"refresh": login.refresh}).status_code == 401


def test_another_login_of_the_same_person_goes_on(
    api: Api, database: Database, ann: User, login: Login
) -> None:
    other = log_in(api, database, ann)
    api.post(LOGOUT, login.access, json={"refresh": other.refresh})
    assert api.get("/api/v1/auth/me/", other.access).status_code == 200


def test_nobody_is_logged_out_without_showing_who_they_are(api: Api, login: Login) -> None:
    assert api.post(LOGOUT, json={"refresh": login.refresh}).status_code == 401
    assert api.get("/api/v1/auth/me/", login.access).status_code == 200


def test_a_desk_lists_candidates_and_assigns(api: Api, database: Database) -> None:
    desk, driver = make_user(database, Role.DISPATCHER), make_driver(database, at=api.now())
    give_app(database, driver)
    order = place_order(database, at=api.now())
    found = api.get(f"/api/dispatch/candidates/{order.id}/", desk)
    assert [each["driver_id"] for each in found.json()["items"]] == [driver.id]
    given = api.post(f"/api/dispatch/assign/{order.id}/", desk)
    assert (given.status_code, given.json()["driver"]["uuid"]) == (200, str(driver.uuid))
