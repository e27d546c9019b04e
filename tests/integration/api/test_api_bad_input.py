"""Whatever is sent, the answer names what is wrong and gives nothing away."""

from typing import Any

import pytest

from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields

REGISTER = "/api/v1/auth/register/"
GOOD = {
    "phone_number": "+998901234567",
    "full_name": "Full Name",
    "password": "someStrongPassword123",
    "password2": "someStrongPassword123",
}
GONE = object()


def without(field: str, value: Any) -> dict[str, Any]:
    return {name: said for name, said in (GOOD | {field: value}).items() if said is not GONE}


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("phone_number", GONE, "is required"),
        ("phone_number", "901234567", "must be a phone number in international form, such as +998901234567"),
        ("phone_number", 998901234567, "must be text"),
        ("phone_number", None, "must be text"),
        ("phone_number", "+" * 100, "at most 40 characters"),
        ("full_name", GONE, "is required"),
        ("full_name", "  ", "at least 1 character"),
        ("full_name", "x" * 300, "at most 200 characters"),
        ("full_name", "a\x00b", "must not contain NUL characters"),
        ("password", GONE, "is required"),
        ("password", "short", "at least 8 characters"),
        ("password", "x" * 300, "at most 128 characters"),
        ("password2", GONE, "is required"),
        ("password2", "somethingElse123", "must be the same as password"),
        ("password2", ["x"], "must be text"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_expected(
    api: Api, field: str, value: Any, expected: str
) -> None:
    answer = api.post(REGISTER, json=without(field, value))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert expected in wrong_fields(answer)[field]
    assert list(wrong_fields(answer)) == [field]


def test_every_wrong_field_is_named_at_once(api: Api) -> None:
    answer = api.post(REGISTER, json={})
    assert set(wrong_fields(answer)) == set(GOOD)
    assert answer.json()["title"]
    assert answer.json()["status"] == 422


def test_what_was_sent_is_not_sent_back(api: Api) -> None:
    answer = api.post(REGISTER, json=GOOD | {"password": "secret!", "password2": "secret?"})
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"nonsense", 400),
        (b"[1]", 422),
        (b'"text"', 422),
        (b"null", 422),
        (b"\xff\xfe\x00", 400),
        (b"[" * 50_000, 400),
        (b'{"phone_number": NaN}', 422),
        (b'{"full_name": "\\ud800"}', 422),
        (b"x" * 100_000, 413),
    ],
)
@pytest.mark.parametrize(
    "path", [REGISTER, "/api/v1/auth/login/", "/api/v1/auth/refresh/", "/api/v1/devices/"]
)
def test_an_unreadable_body_is_a_problem_of_its_sender(api: Api, path: str, raw: bytes, status: int) -> None:
    user = make_user(api.app.state.database)
    answer = api.post(path, user, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_fields_that_the_documented_contract_does_not_know_are_ignored(api: Api) -> None:
    assert api.post(REGISTER, json=GOOD | {"role": "ADMIN", "status": "?"}).json()["user"]["role"] == "USER"


@pytest.mark.parametrize("uid", ["", "a b", "a/b", "+", "#", "x" * 65, "ж", "a\n", None, 7, GONE])
def test_a_uid_that_cannot_stand_in_a_topic_is_refused(api: Api, uid: Any) -> None:
    body = {"model": "T-Watch 5"} | ({} if uid is GONE else {"device_uid": uid})
    answer = api.post("/api/v1/devices/", make_user(api.app.state.database), json=body)
    assert answer.status_code == 422
    assert list(wrong_fields(answer)) == ["device_uid"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing/", 404), ("DELETE", "/api/v1/incidents/", 405), ("GET", "/nothing", 404)],
)
def test_what_does_not_exist_is_a_problem_as_well(api: Api, method: str, path: str, status: int) -> None:
    answer = api.call(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
