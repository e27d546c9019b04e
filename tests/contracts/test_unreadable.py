"""Bodies that cannot be read, on every path where people come in."""

import pytest

from tests.integration.api.speaking import Api

PATHS = (
    "/api/auth/register/",
    "/api/auth/login/email/",
    "/api/auth/login/phone/",
    "/api/auth/login/google/",
    "/api/auth/token/refresh/",
    "/api/users/register/",
)


@pytest.mark.parametrize("path", PATHS)
def test_an_unreadable_body_is_a_problem_of_its_sender(api: Api, path: str) -> None:
    for raw in (b"", b"{", b"[1]", b'"text"', b"null", b"\xff\xfe\x00", b"[" * 50_000, b'{"email": NaN}'):
        answer = api.post(path, content=raw, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, (raw, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert "as a" not in str(answer.json().get("errors", ""))


@pytest.mark.parametrize("path", PATHS)
def test_text_that_is_no_text_is_refused(api: Api, path: str) -> None:
    raw = rb'{"email": "\ud800", "token": "\ud800", "refresh": "\ud800", "phone_number": "\ud800"}'
    answer = api.post(path, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
