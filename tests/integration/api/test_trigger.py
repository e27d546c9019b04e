"""Calling for help over HTTP."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from db.models import Device, Incident, IncidentReport, User
from db.session import Database
from db.states import Clock, Outcome, Role
from dispatch.sos import service
from tests.builders import make_device, make_user
from tests.integration.api.speaking import Api, wrong_fields


@pytest.fixture
def owner(database: Database) -> User:
    return make_user(database)


@pytest.fixture
def watch(database: Database, owner: User) -> Device:
    return make_device(database, owner, uid="watch_unique_serial_001")


def body(api: Api, **other: Any) -> dict[str, Any]:
    """The body as the contract shows it, of this moment."""
    return {
        "device_uid": "watch_unique_serial_001",
        "lat": 41.311081,
        "lon": 69.240562,
        "altitude": 500.0,
        "detected_type": "FALL_DETECTED",
        "severity": 4,
        "timestamp": api.now().isoformat(),
        "raw_payload": {"sensor_data": "..."},
    } | other


def trigger(api: Api, by: User, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = api.post("/api/v1/sos/trigger/", by, json=said)
    return answer.status_code, answer.json()


def reports(database: Database) -> list[IncidentReport]:
    with database.transaction() as session:
        return list(session.scalars(select(IncidentReport).order_by(IncidentReport.id)))


def resolve_all(database: Database, api: Api) -> None:
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        for incident in session.scalars(select(Incident.id)).all():
            service.resolve(session, incident, by=desk.id, outcome=Outcome.ASSISTED, at=api.now())


@pytest.mark.usefixtures("watch")
def test_a_call_opens_an_incident_as_documented(api: Api, database: Database, owner: User) -> None:
    status, said = trigger(api, owner, body(api))
    assert status == 201
    assert said["status"] == "created"
    assert set(said) == {"status", "event_uid"}
    [report] = reports(database)
    assert str(report.incident_id) == said["event_uid"]
    assert (report.type, report.severity, report.via) == ("fall", 4, "http")
    assert (report.lat, report.lon, report.alt_m) == (41.311081, 69.240562, 500.0)
    assert report.raw == {"sensor_data": "..."}
    assert report.notes == []
    assert report.clock == Clock.DEVICE


@pytest.mark.usefixtures("watch")
def test_the_same_call_again_is_a_duplicate_stored_once(api: Api, database: Database, owner: User) -> None:
    said = body(api)
    _, first = trigger(api, owner, said)
    assert trigger(api, owner, said) == (200, {"status": "duplicate", "event_uid": first["event_uid"]})
    assert len(reports(database)) == 1


@pytest.mark.usefixtures("watch")
def test_another_call_joins_the_open_incident(api: Api, database: Database, owner: User) -> None:
    _, first = trigger(api, owner, body(api))
    api.later(seconds=30)
    assert trigger(api, owner, body(api)) == (200, {"status": "duplicate", "event_uid": first["event_uid"]})
    assert len(reports(database)) == 2


@pytest.mark.usefixtures("watch")
def test_a_call_sent_again_after_the_end_is_that_call(api: Api, database: Database, owner: User) -> None:
    said = body(api)
    _, first = trigger(api, owner, said)
    resolve_all(database, api)
    assert trigger(api, owner, said) == (200, {"status": "duplicate", "event_uid": first["event_uid"]})


@pytest.mark.usefixtures("watch")
@pytest.mark.parametrize("without", ["timestamp", None])
def test_a_new_call_after_the_end_opens_a_new_incident(
    api: Api, database: Database, owner: User, without: str | None
) -> None:
    said = body(api)
    said.pop(without or "", None)
    _, first = trigger(api, owner, said)
    resolve_all(database, api)
    api.later(seconds=30)
    status, second = trigger(api, owner, said if without else body(api))
    assert status == 201
    assert second["event_uid"] != first["event_uid"]


@pytest.mark.usefixtures("watch")
def test_the_uid_alone_is_a_call(api: Api, database: Database, owner: User) -> None:
    status, _ = trigger(api, owner, {"device_uid": "watch_unique_serial_001"})
    assert status == 201
    assert reports(database)[0].type == "button"


@pytest.mark.usefixtures("watch")
@pytest.mark.parametrize(
    ("field", "value", "dropped"),
    [
        ("lat", 91, "lat"),
        ("lat", "north", "lat"),
        ("lon", None, "lat"),
        ("severity", 9, "sev"),
        ("severity", {"a": 1}, "sev"),
        ("altitude", "high", "alt"),
        ("raw_payload", "text", "raw"),
        ("raw_payload", [1], "raw"),
        ("battery_level", 300, "bat"),
    ],
)
def test_one_bad_field_is_dropped_and_noted_and_the_call_goes_out(
    api: Api, database: Database, owner: User, field: str, value: object, dropped: str
) -> None:
    status, said = trigger(api, owner, body(api, **{field: value}))
    assert (status, said["status"]) == (201, "created")
    assert reports(database)[0].notes or dropped == "lat"


@pytest.mark.usefixtures("watch")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timestamp", "yesterday"),
        ("timestamp", "2000-01-01T00:00:00Z"),
        ("timestamp", 10**30),
        ("detected_type", 7),
        ("detected_type", "\x00" * 40),
        ("detected_type", None),
        ("raw_payload", {"text": "a\x00b"}),
        ("raw_payload", {"a\x00b": 1}),
        ("raw_payload", {"deep": [[[[[[[[[[1]]]]]]]]]]}),
        ("raw_payload", None),
        ("no_such_field", {"x": 1}),
    ],
)
def test_whatever_else_a_body_says_the_call_goes_out(
    api: Api, database: Database, owner: User, field: str, value: object
) -> None:
    status, said = trigger(api, owner, body(api, **{field: value}))
    assert (status, said["status"]) == (201, "created")


@pytest.mark.usefixtures("watch")
@pytest.mark.parametrize(
    "raw",
    [
        b'{"device_uid": "watch_unique_serial_001", "lat": nan, "lon": NaN}',
        b'{"device_uid": "watch_unique_serial_001", "raw_payload": {"x": "\\ud800"}}',
        b'\xef\xbb\xbf{"device_uid": "watch_unique_serial_001"}\n\x00',
        b'{"device_uid": "watch_unique_serial_001", "severity": 1e999}',
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", None])
def test_sloppy_json_is_read_as_a_watchs_would_be(
    api: Api, owner: User, raw: bytes, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = api.post("/api/v1/sos/trigger/", owner, content=raw, headers=headers)
    assert answer.status_code == 201, answer.text


@pytest.mark.usefixtures("watch")
@pytest.mark.parametrize("word", ["cancel", "hold", "pin"])
def test_a_call_over_http_is_never_a_cancel_or_a_countdown(
    api: Api, database: Database, owner: User, word: str
) -> None:
    status, _ = trigger(api, owner, body(api, **{word: 15 if word == "hold" else True}))
    assert status == 201
    with database.transaction() as session:
        assert session.scalars(select(Incident.state)).one() == "active"


@pytest.mark.parametrize("uid", ["anothers", "nobodys", "", "a" * 1000, "no\x00uid", "../sos"])
def test_a_device_of_another_and_one_that_does_not_exist_look_the_same(
    api: Api, database: Database, owner: User, uid: str
) -> None:
    make_device(database, make_user(database), uid="anothers")
    answer = api.post("/api/v1/sos/trigger/", owner, json=body(api, device_uid=uid))
    assert answer.status_code in (404, 422)
    assert "device_uid" in wrong_fields(answer)
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Incident)) == 0


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.ADMIN])
def test_nobody_calls_for_another_person_whatever_their_role(
    api: Api, database: Database, watch: Device, role: Role
) -> None:
    assert trigger(api, make_user(database, role), body(api))[0] == 404


@pytest.mark.usefixtures("watch")
@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"", "body"),
        (b"help", "body"),
        (b"[]", "body"),
        (b'[{"device_uid": "a"}, {"device_uid": "b"}]', "body"),
        (b'"watch_unique_serial_001"', "body"),
        (b'{"device_uid"', "body"),
        (b"{}", "device_uid"),
        (b'{"device_uid": 7}', "device_uid"),
        (b'{"device_uid": null}', "device_uid"),
        (b"\xff\xfe", "body"),
        (b"[" * 50_000, "body"),
    ],
)
def test_what_names_no_device_is_refused_by_name(api: Api, owner: User, raw: bytes, field: str) -> None:
    answer = api.post(
        "/api/v1/sos/trigger/", owner, content=raw, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert list(wrong_fields(answer)) == [field]


@pytest.mark.usefixtures("watch")
def test_a_body_beyond_all_bounds_is_refused(api: Api, owner: User) -> None:
    answer = api.post("/api/v1/sos/trigger/", owner, content=b"x" * 100_000)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("watch")
def test_eight_calls_at_once_are_one_incident(api: Api, database: Database, owner: User) -> None:
    said = body(api)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: trigger(api, owner, said), range(8)))
    assert sorted(status for status, _ in answers) == [200] * 7 + [201]
    assert len({answer["event_uid"] for _, answer in answers}) == 1
    assert uuid.UUID(answers[0][1]["event_uid"])


@pytest.mark.usefixtures("watch")
def test_a_device_time_within_bounds_is_kept_beside_the_arrival(
    api: Api, database: Database, owner: User
) -> None:
    pressed_at = api.now() - timedelta(minutes=3)
    trigger(api, owner, body(api, timestamp=pressed_at.isoformat()))
    [report] = reports(database)
    assert report.device_at == pressed_at
    assert report.received_at > pressed_at
