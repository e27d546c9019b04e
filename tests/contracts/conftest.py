"""The files that are held to their word."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api.settings import ApiSettings
from db.session import Database
from tests.contracts.compose import CHECKOUT, EnvExample, read
from tests.integration.api.postman import Postman
from tests.integration.api.speaking import Api, serve


@pytest.fixture(scope="session")
def compose_text() -> str:
    return (CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def env_example() -> EnvExample:
    return EnvExample((CHECKOUT / ".env.example").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def compose(compose_text: str, env_example: EnvExample) -> dict[str, Any]:
    """The compose file for an .env in which only what must be is filled in."""
    return read(compose_text, env_example.filled_in)


@pytest.fixture(scope="session")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    secret = SecretStr("a secret of this test alone")
    return ApiSettings(secret=secret, mqtt_port=1, media_dir=tmp_path / "media")


@pytest.fixture
def api(database: Database, settings: ApiSettings) -> Api:
    """The API, to be called as its sources write it."""
    return serve(settings, database)


@pytest.fixture
def post(database: Database, settings: ApiSettings) -> Postman:
    """What people would be told."""
    return Postman(database, settings)
