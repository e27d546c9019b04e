"""Coming in as mdd documents it."""

import uuid
from typing import Any

from tests.contracts.answers import check, text
from tests.integration.api.speaking import Api

REGISTER = {
    "phone_number": "+998901234567",
    "full_name": "Full Name",
    "password": "someStrongPassword123",
    "password2": "someStrongPassword123",
}
LOGIN = {"phone_number": "+998901234567", "password": "someStrongPassword123"}


def is_uuid(said: Any) -> bool:
    return isinstance(said, str) and str(uuid.UUID(said)) == said


def test_registration(api: Api) -> None:
    documented = {
        "user": {
            "uuid": is_uuid,
            "full_name": "Full Name",
            "phone_number": "+998901234567",
            "email": None,
            "role": "USER",
            "status": "ACTIVE",
        },
        "access": text,
        "refresh": text,
    }
    check(api.post("/api/v1/auth/register/", json=REGISTER), 201, documented)


def test_login(api: Api) -> None:
    api.post("/api/v1/auth/register/", json=REGISTER)
    said = check(api.post("/api/v1/auth/login/", json=LOGIN), 200, {"access": text, "refresh": text})
    assert "user" not in said  # that is the other contract's answer on this path


def test_refresh(api: Api) -> None:
    refresh = api.post("/api/v1/auth/register/", json=REGISTER).json()["refresh"]
    check(api.post("/api/v1/auth/refresh/", json={"refresh": refresh}), 200, {"access": text})
