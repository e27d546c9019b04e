"""Speaking to the API as anybody, at any time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr

from api import deps
from api.accounts.logins import Entrance
from api.accounts.sessions import Client
from api.accounts.tokens import Signer
from api.app import create_app, furnish
from api.settings import ApiSettings
from db.models import User
from db.session import Database
from db.settings import DatabaseSettings


class Api:
    """Speaks HTTP as whoever is asked for."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._wait = timedelta()
        # A fault of ours shall be seen as its caller would see it.
        self._client = TestClient(app, raise_server_exceptions=False)
        app.dependency_overrides = {deps.now: self.now}

    def now(self) -> datetime:
        return datetime.now(UTC) + self._wait

    def later(self, **by: float) -> None:
        """Let time pass."""
        self._wait += timedelta(**by)

    def token(self, user: User) -> str:
        token: str = self.app.state.signer.issue(user.uuid, at=self.now())
        return token

    def call(self, method: str, path: str, by: User | str | None = None, **request: Any) -> Response:
        """One request, by a user, with a token, or by nobody."""
        token = self.token(by) if isinstance(by, User) else by
        headers = request.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        return self._client.request(method, path, headers=headers, **request)

    def get(self, path: str, by: User | str | None = None, **request: Any) -> Response:
        return self.call("GET", path, by, **request)

    def post(self, path: str, by: User | str | None = None, **request: Any) -> Response:
        return self.call("POST", path, by, **request)


def serve(settings: ApiSettings, database: Database) -> Api:
    """The API of one test, on the routes of all: to build them takes longer than most tests do."""
    app = _built()
    if app.routes != app.state.routes:
        # The test before this one added some of its own.
        _built.cache_clear()
        app = _built()
    furnish(app, settings, database)
    return Api(app)


@cache
def _built() -> FastAPI:
    nowhere = DatabaseSettings(database_url=SecretStr("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    app = create_app(ApiSettings(secret=SecretStr("a secret of nobody's")), database=Database(nowhere))
    app.state.routes = list(app.routes)
    return app


@dataclass(frozen=True)
class Login:
    """A login, and the tokens it has."""

    session: UUID
    access: str
    refresh: str


def log_in(api: Api, database: Database, user: User, *, agent: str = "test") -> Login:
    """Log somebody in who has no password."""
    signer: Signer = api.app.state.signer
    client = Client("203.0.113.7", agent)
    with database.transaction() as session:
        tokens = Entrance(database, signer, api.app.state.tries, client, api.now()).begin(session, user)
    login = signer.read(tokens.access, at=api.now()).session
    assert login is not None
    return Login(login, tokens.access, tokens.refresh)


def wrong_fields(answer: Response) -> dict[str, str]:
    """The fields that a problem names, with what it says of each."""
    return {each["field"]: each["message"] for each in answer.json().get("errors", [])}
