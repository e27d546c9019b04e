"""When something else is away, and when we are at fault."""

import re

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api import deps
from api.app import create_app
from api.settings import ApiSettings
from db.models import Incident, Region
from db.session import Database
from db.settings import DatabaseSettings
from ops.ports import any_free
from tests.builders import make_device, make_user
from tests.integration.api.speaking import Api


@pytest.fixture
def homeless(settings: ApiSettings) -> FastAPI:
    """An API whose database is away."""
    url = f"postgresql+psycopg://mayday:top-secret@127.0.0.1:{any_free()}/mayday"
    return create_app(settings, database=Database(DatabaseSettings(database_url=SecretStr(url))))


def test_without_a_database_one_is_asked_to_try_again(homeless: FastAPI, api: Api) -> None:
    token = api.token(make_user(api.app.state.database))
    answer = Api(homeless).post("/api/v1/sos/trigger/", token, json={"device_uid": "watch"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "database_away"
    assert "top-secret" not in answer.text


def test_readiness_names_what_is_missing(homeless: FastAPI, api: Api) -> None:
    answer = Api(homeless).get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unready", "missing": ["database", "broker"]}
    assert api.get("/readyz").json()["missing"] == ["broker"]
    assert Api(homeless).get("/healthz").status_code == 200


def test_nobody_is_told_of_what_could_not_be_committed(api: Api, database: Database) -> None:
    owner = make_user(database)
    make_device(database, owner, uid="watch-1")

    def fail(session: Session) -> None:
        if session.scalar(select(func.count()).select_from(Incident)):
            raise OperationalError("COMMIT", {}, Exception("the disk is full"))

    event.listen(Session, "before_commit", fail)
    try:
        answer = api.post("/api/v1/sos/trigger/", owner, json={"device_uid": "watch-1"})
    finally:
        event.remove(Session, "before_commit", fail)
    assert answer.status_code == 503
    with database.transaction() as session:
        assert session.scalars(select(Incident)).all() == []


def test_reading_routes_cannot_write(api: Api, database: Database) -> None:
    def write(session: deps.ReadSession) -> None:
        session.add(Region(slug="north", name="North"))
        session.flush()

    api.app.add_api_route("/write", write)
    assert api.get("/write").status_code == 500
    with database.transaction() as session:
        assert session.scalars(select(Region.slug)).all() == ["default"]


def test_a_fault_of_ours_is_told_without_its_insides(api: Api) -> None:
    def fault() -> None:
        raise RuntimeError("insides")

    api.app.add_api_route("/fault", fault)
    answer = api.get("/fault")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "insides" not in answer.text


def test_the_documentation_needs_nothing_from_elsewhere(api: Api) -> None:
    page = api.get("/docs")
    assert page.status_code == 200
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(assets) >= 3
    for asset in assets:
        assert asset.startswith("/"), asset
        assert api.get(asset).status_code == 200
    assert not re.search(r"https?://", page.text)


def test_the_front_page_leads_to_the_documentation(api: Api) -> None:
    page = api.get("/")
    assert 'href="docs"' in page.text
    assert not re.search(r"https?://", page.text)


def test_the_documentation_is_complete(api: Api) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    body = paths["/api/v1/sos/trigger/"]["post"]["requestBody"]
    assert "device_uid" in body["content"]["application/json"]["schema"]["properties"]
    assert set(paths["/api/v1/sos/trigger/"]["post"]["responses"]) == {"200", "201", "default"}
