"""Coming in, profiles and assistants as depannini documents them."""

from typing import Any

import pytest
from sqlalchemy import select

from db.models import User
from db.session import Database
from tests.contracts.answers import check, integer, one_of, text
from tests.integration.api.postman import Postman
from tests.integration.api.speaking import Api, wrong_fields
from tests.pictures import PNG

CLIENT = {
    "phone_number": "+213551234567",
    "email": "nadia@example.org",
    "name": "Nadia",
    "password": "someStrongPassword123",
    "password_confirm": "someStrongPassword123",
    "user_type": "client",
    "address": "12 Rue Didouche Mourad",
}
OF_ASSISTANTS = {
    "service_type": "towing",
    "vehicle_type": "flatbed",
    "driving_license_cat": "c",
    "driving_license_num": "DZ-4711",
    "driving_license_expiry": "31:12:40",
    "vehicle_registration_num": 1234516,
    "current_lat": 36.7538,
    "current_lng": 3.0588,
}
ASSISTANT = (
    CLIENT
    | OF_ASSISTANTS
    | {
        "phone_number": "+213557654321",
        "email": "karim@example.org",
        "name": "Karim",
        "user_type": "assistant",
    }
)
TOKENS = {"access": text, "refresh": text}
NADIA = {
    "id": integer,
    "email": "nadia@example.org",
    "name": "Nadia",
    "phone_number": "+213551234567",
    "profile_photo": None,
    "address": "12 Rue Didouche Mourad",
    "current_lat": None,
    "current_lng": None,
    "user_type": "client",
    "service_type": None,
    "vehicle_type": None,
    "is_active_assistant": False,
    "driving_license_cat": None,
    "driving_license_num": None,
    "driving_license_expiry": None,
    "vehicle_registration_num": None,
}
KARIM = (
    NADIA
    | OF_ASSISTANTS
    | {
        "email": "karim@example.org",
        "name": "Karim",
        "phone_number": "+213557654321",
        "user_type": "assistant",
    }
)


def register(api: Api, body: dict[str, Any]) -> str:
    answer = api.post("/api/auth/register/", json=body)
    assert answer.status_code == 201, answer.text
    access: str = answer.json()["access"]
    return access


def people(database: Database) -> list[User]:
    with database.transaction() as session:
        return list(session.scalars(select(User)))


def test_registration_of_a_client(api: Api) -> None:
    check(api.post("/api/auth/register/", json=CLIENT), 201, {"user": NADIA, **TOKENS})


def test_what_the_contract_does_not_know_is_ignored(api: Api) -> None:
    more = {"is_staff": True, "role": "ADMIN", "id": 1, "is_active_assistant": True}
    check(api.post("/api/auth/register/", json=CLIENT | more), 201, {"user": NADIA})


def test_an_assistant_is_one_only_by_saying_so(api: Api) -> None:
    body = CLIENT | OF_ASSISTANTS
    place = {"current_lat": 36.7538, "current_lng": 3.0588}
    check(api.post("/api/auth/register/", json=body), 201, {"user": NADIA | place})


def test_registration_of_an_assistant(api: Api) -> None:
    check(api.post("/api/auth/register/", json=ASSISTANT), 201, {"user": KARIM, **TOKENS})


def test_what_a_form_left_empty_was_not_given(api: Api) -> None:
    empty = CLIENT | dict.fromkeys(OF_ASSISTANTS, "") | {"email": "", "address": ""}
    check(
        api.post("/api/auth/register/", json=empty), 201, {"user": NADIA | {"email": None, "address": None}}
    )


@pytest.mark.parametrize("field", OF_ASSISTANTS)
def test_an_assistant_has_to_tell(api: Api, database: Database, field: str) -> None:
    answer = api.post(
        "/api/auth/register/", json={name: ASSISTANT[name] for name in ASSISTANT if name != field}
    )
    assert answer.status_code == 400
    assert wrong_fields(answer) == {field: "is required"}
    assert people(database) == []


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("service_type", "flying", "'towing' or 'repair'"),
        ("driving_license_cat", "a", "'c' or 'b'"),
        ("driving_license_expiry", "2040-12-31", "dd:mm:yy"),
        ("driving_license_expiry", "31:02:40", "dd:mm:yy"),
        ("driving_license_expiry", 311240, "dd:mm:yy"),
        ("driving_license_expiry", "31:12:20", "must be in the future"),
        ("vehicle_registration_num", "A-1", "integer"),
        ("vehicle_registration_num", 2**70, ""),
        ("vehicle_registration_num", 0, "greater than or equal to 1"),
        ("current_lat", True, "must be a number"),
        ("current_lat", None, "number"),
        ("vehicle_registration_num", False, "must be a number"),
        ("current_lat", 91, "less than or equal to 90"),
        ("current_lng", "x", "number"),
        ("user_type", "operator", "'client' or 'assistant'"),
        ("phone_number", "0551234567", "international form"),
        ("email", "karim", "must be an email address"),
        ("name", " ", "at least 1 character"),
        ("password_confirm", "other", "must be the same as password"),
        ("address", "x" * 300, "at most 200 characters"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_expected(
    api: Api, database: Database, field: str, value: Any, expected: str
) -> None:
    answer = api.post("/api/auth/register/", json=ASSISTANT | {field: value})
    assert answer.status_code == 400
    assert list(wrong_fields(answer)) == [field]
    assert expected in wrong_fields(answer)[field]
    assert people(database) == []


def test_a_licence_that_ends_today_is_over(api: Api) -> None:
    today = api.now().strftime("%d:%m:%y")
    answer = api.post("/api/auth/register/", json=ASSISTANT | {"driving_license_expiry": today})
    assert list(wrong_fields(answer)) == ["driving_license_expiry"]


@pytest.mark.parametrize("field", ["phone_number", "email"])
def test_what_somebody_else_has_is_a_conflict(api: Api, database: Database, field: str) -> None:
    register(api, CLIENT)
    answer = api.post("/api/auth/register/", json=ASSISTANT | {field: CLIENT[field].upper()})
    assert answer.status_code == 409
    assert list(wrong_fields(answer)) == [field]
    assert len(people(database)) == 1


@pytest.mark.parametrize("email", ["nadia@example.org", "Nadia@Example.ORG"])
def test_login_by_email(api: Api, email: str) -> None:
    register(api, CLIENT)
    body = {"email": email, "password": CLIENT["password"]}
    access = check(api.post("/api/auth/login/email/", json=body), 200, TOKENS)["access"]
    check(api.get("/api/profile/user/", access), 200, NADIA)


def test_an_email_that_begins_as_a_number_does_is_an_email(api: Api, post: Postman) -> None:
    email = "+998901234567@example.org"
    register(api, CLIENT | {"email": email})
    assert [letter["to"] for letter in post.letters("mail")] == [email]
    body = {"email": email, "password": CLIENT["password"]}
    check(api.post("/api/auth/login/email/", json=body), 200, TOKENS)


def test_login_by_phone(api: Api) -> None:
    register(api, CLIENT)
    body = {"phone_number": CLIENT["phone_number"], "password": CLIENT["password"]}
    check(api.post("/api/auth/login/phone/", json=body), 200, TOKENS)


def test_an_unknown_email_and_a_wrong_password_are_told_the_same(api: Api) -> None:
    register(api, CLIENT)
    wrong = api.post("/api/auth/login/email/", json={"email": CLIENT["email"], "password": "wrong"})
    unknown = api.post("/api/auth/login/email/", json={"email": "x@example.org", "password": "wrong"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    assert wrong.status_code == 401


def test_too_many_wrong_passwords_by_email_have_to_wait(api: Api) -> None:
    register(api, CLIENT)
    for email in ("nadia@example.org", "NADIA@example.org") * 5:
        api.post("/api/auth/login/email/", json={"email": email, "password": "wrong"})
    body = {"email": CLIENT["email"], "password": CLIENT["password"]}
    assert api.post("/api/auth/login/email/", json=body).status_code == 429


def test_refresh(api: Api) -> None:
    token = api.post("/api/auth/register/", json=CLIENT).json()["refresh"]
    said = check(api.post("/api/auth/token/refresh/", json={"refresh": token}), 200, {"access": text})
    check(api.get("/api/profile/user/", said["access"]), 200, NADIA)


def test_a_spent_refresh_token_ends_the_login_here_too(api: Api) -> None:
    stolen = api.post("/api/auth/register/", json=CLIENT).json()["refresh"]
    token = stolen
    for _ in range(2):
        token = api.post("/api/auth/token/refresh/", json={"refresh": token}).json()["refresh"]
    api.later(seconds=11)
    for spent in (stolen, token):
        assert api.post("/api/auth/token/refresh/", json={"refresh": spent}).status_code == 401


def test_profile_of_a_user(api: Api) -> None:
    check(api.get("/api/profile/user/", register(api, CLIENT)), 200, NADIA)


def test_a_profile_shows_where_its_photo_is(api: Api) -> None:
    access = register(api, CLIENT)
    api.call("PUT", "/api/v1/auth/me/photo/", access, content=PNG)
    address = api.get("/api/profile/user/", access).json()["profile_photo"]
    assert address.startswith("http://")
    assert api.get(address, access).content == PNG
    api.call("DELETE", "/api/v1/auth/me/photo/", access)
    check(api.get("/api/profile/user/", access), 200, NADIA)


def test_an_assistant_who_can_be_asked_shows_a_photo_to_who_may_ask(api: Api) -> None:
    client, assistant = register(api, CLIENT), register(api, ASSISTANT)
    api.call("PUT", "/api/v1/auth/me/photo/", assistant, content=PNG)
    own = api.get("/api/profile/assistant/", assistant).json()["profile_photo"]
    assert api.get(own, client).status_code == 404
    api.post("/api/profile/assistant-status/", assistant, json={"is_active": True})
    (said,) = api.get("/api/assistants/", client).json()
    assert said["profile_photo"] == own
    assert api.get(own, client).content == PNG
    assert api.get(own).status_code == 401
    api.post("/api/profile/assistant-status/", assistant, json={"is_active": False})
    assert api.get(own, client).status_code == 404
    assert api.get(own, assistant).content == PNG


def test_profile_of_an_assistant(api: Api) -> None:
    check(api.get("/api/profile/assistant/", register(api, ASSISTANT)), 200, KARIM)
    assert api.get("/api/profile/assistant/", register(api, CLIENT)).status_code == 403


def test_updating_the_location(api: Api) -> None:
    access = register(api, CLIENT)
    answer = api.post("/api/profile/update-location/", access, json={"latitude": 36.7, "longitude": 3})
    check(answer, 200, {"current_lat": 36.7, "current_lng": 3.0})
    check(api.get("/api/profile/user/", access), 200, NADIA | {"current_lat": 36.7, "current_lng": 3.0})
    wrong = api.post("/api/profile/update-location/", access, json={"latitude": 99})
    assert wrong.status_code == 400
    assert set(wrong_fields(wrong)) == {"latitude", "longitude"}


def test_assistants_who_are_active_are_listed_without_their_papers(api: Api) -> None:
    client, assistant = register(api, CLIENT), register(api, ASSISTANT)
    check(api.get("/api/assistants/", client), 200, [])
    for _ in range(2):
        answer = api.post("/api/profile/assistant-status/", assistant, json={"is_active": True})
        check(answer, 200, {"is_active_assistant": True})
    documented = {
        "id": integer,
        "name": "Karim",
        "phone_number": "+213557654321",
        "current_lat": 36.7538,
        "current_lng": 3.0588,
        "user_type": "assistant",
        "service_type": one_of("towing", "repair"),
        "vehicle_type": "flatbed",
        "is_active_assistant": True,
    }
    (said,) = check(api.get("/api/assistants/", client), 200, [documented])
    assert not {"driving_license_num", "email", "address"} & set(said)
    api.post("/api/profile/assistant-status/", assistant, json={"is_active": False})
    check(api.get("/api/assistants/", client), 200, [])


def test_only_assistants_have_a_status(api: Api) -> None:
    answer = api.post("/api/profile/assistant-status/", register(api, CLIENT), json={"is_active": True})
    assert answer.status_code == 403
