"""The API on a real database, with and without its live view."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from api.settings import ApiSettings
from db.models import User
from db.session import Database
from tests.builders import make_user
from tests.integration.api.postman import Postman
from tests.integration.api.speaking import Api, serve
from tests.onlooking import make_jasur


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    secret = SecretStr("a secret of this test alone")
    return ApiSettings(secret=secret, mqtt_port=1, media_dir=tmp_path / "media")


@pytest.fixture
def api(database: Database, settings: ApiSettings) -> Api:
    """The API without its live view."""
    return serve(settings, database)


@pytest.fixture
def post(database: Database, settings: ApiSettings) -> Postman:
    """What people would be told."""
    return Postman(database, settings)


@pytest.fixture
def aziza(database: Database) -> User:
    """Somebody who ordered."""
    return make_user(database, name="Aziza Karimova")


@pytest.fixture
def jasur(database: Database) -> User:
    """A driver who comes."""
    return make_jasur(database)
