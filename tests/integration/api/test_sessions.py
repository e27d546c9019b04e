"""Logins that go on, and their end."""

import pytest
from sqlalchemy import delete

from db.models import LoginSession
from db.session import Database
from tests.builders import make_user
from tests.integration.api.speaking import Api, log_in


def test_each_login_is_listed_with_where_it_came_from(api: Api, database: Database) -> None:
    ann = make_user(database)
    phone = log_in(api, database, ann, agent="Phone")
    api.later(minutes=1)
    laptop = log_in(api, database, ann, agent="Laptop")
    listed = api.get("/api/v1/auth/sessions/", laptop.access).json()
    assert [(each["id"], each["agent"], each["current"]) for each in listed] == [
        (str(laptop.session), "Laptop", True),
        (str(phone.session), "Phone", False),
    ]
    assert listed[0]["address"] == "203.0.113.7"


def test_using_a_login_is_noted_and_keeps_its_beginning(api: Api, database: Database) -> None:
    login = log_in(api, database, make_user(database))
    before = api.get("/api/v1/auth/sessions/", login.access).json()[0]
    api.later(hours=1)
    answer = api.post(
        "/api/v1/auth/refresh/", json={"refresh": login.refresh}, headers={"User-Agent": "Newer\x7f"}
    )
    (after,) = api.get("/api/v1/auth/sessions/", answer.json()["access"]).json()
    assert after["id"] == before["id"]
    assert after["started_at"] == before["started_at"]
    assert after["last_used_at"] > before["last_used_at"]
    assert after["agent"].startswith("Newer")
    assert after["current"]


def test_after_logging_out_no_token_of_the_login_works(api: Api, database: Database) -> None:
    ann = make_user(database)
    login, other = log_in(api, database, ann), log_in(api, database, ann)
    assert api.post("/api/v1/auth/logout/", login.access).status_code == 204
    assert api.get("/api/v1/incidents/", login.access).status_code == 401
    assert api.post("/api/v1/auth/refresh/", json={"refresh": login.refresh}).status_code == 401
    assert api.get("/api/v1/incidents/", other.access).status_code == 200
    assert len(api.get("/api/v1/auth/sessions/", other.access).json()) == 1


def test_a_lost_phone_is_logged_out_from_elsewhere(api: Api, database: Database) -> None:
    ann = make_user(database)
    phone, laptop = log_in(api, database, ann), log_in(api, database, ann)
    path = f"/api/v1/auth/sessions/{phone.session}/"
    assert api.call("DELETE", path, laptop.access).status_code == 204
    assert api.call("DELETE", path, laptop.access).status_code == 204
    assert api.get("/api/v1/incidents/", phone.access).status_code == 401


def test_a_stolen_refresh_token_that_comes_back_ends_the_access_tokens_too(
    api: Api, database: Database
) -> None:
    login = log_in(api, database, make_user(database))
    second = api.post("/api/v1/auth/refresh/", json={"refresh": login.refresh}).json()
    third = api.post("/api/v1/auth/refresh/", json={"refresh": second["refresh"]}).json()
    api.later(minutes=1)
    assert api.post("/api/v1/auth/refresh/", json={"refresh": login.refresh}).status_code == 401
    assert api.get("/api/v1/incidents/", third["access"]).status_code == 401


@pytest.mark.parametrize("route", ["/api/v1/auth/login/", "/api/v1/auth/register/"])
def test_every_way_in_begins_a_session(api: Api, route: str) -> None:
    ann = {"phone_number": "+998901234567", "full_name": "Ann", "password": "good-password"}
    answer = api.post("/api/v1/auth/register/", json=ann | {"password2": "good-password"})
    if "login" in route:
        answer = api.post(route, json=ann)
    access = answer.json()["access"]
    assert any(each["current"] for each in api.get("/api/v1/auth/sessions/", access).json())


def test_a_login_from_before_sessions_were_kept_joins_the_list_when_it_is_refreshed(
    api: Api, database: Database
) -> None:
    login = log_in(api, database, make_user(database))
    with database.transaction() as session:
        session.execute(delete(LoginSession))
    answer = api.post("/api/v1/auth/refresh/", json={"refresh": login.refresh})
    (listed,) = api.get("/api/v1/auth/sessions/", answer.json()["access"]).json()
    assert listed["id"] == str(login.session)


def test_a_token_that_belongs_to_no_session_says_so(api: Api, database: Database) -> None:
    assert api.post("/api/v1/auth/logout/", make_user(database)).status_code == 409
