"""Which pages of others may use the API from a browser."""

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ApiSettings
from db.session import Database
from db.settings import DatabaseSettings

DESK = "https://desk.example.org"


@pytest.fixture
def client() -> TestClient:
    settings = ApiSettings(secret=SecretStr("a secret of this test"), api_origins=frozenset({DESK}))
    nowhere = DatabaseSettings(database_url=SecretStr("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    return TestClient(create_app(settings, database=Database(nowhere)))


def asked_first(client: TestClient, origin: str) -> str | None:
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = client.options("/api/v1/auth/login/", headers=asks)
    allowed: str | None = answer.headers.get("access-control-allow-origin")
    return allowed


def test_a_page_that_is_named_may_use_the_api(client: TestClient) -> None:
    assert asked_first(client, DESK) == DESK
    assert client.get("/healthz", headers={"Origin": DESK}).headers["access-control-allow-origin"] == DESK


def test_a_page_that_is_not_named_may_not(client: TestClient) -> None:
    assert asked_first(client, "https://elsewhere.example.org") is None
    assert "access-control-allow-origin" not in client.get("/healthz", headers={"Origin": "null"}).headers
