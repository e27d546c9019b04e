"""Figures over many calls for help."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from sqlalchemy import update

from db.models import CanaryCall, HelperCall, Incident, IncidentEvent, User
from db.session import Database
from db.states import CallState, Outcome, Role
from dispatch.sos import service
from tests.builders import NOON, make_device, make_user, report
from tests.integration.api.speaking import Api

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def counted(api: Api, desk: User, **wanted: Any) -> dict[str, Any]:
    query = {"since": (NOON - DAY).isoformat(), "until": (NOON + DAY).isoformat()} | wanted
    answer = api.get(f"/api/v1/statistics/incidents/?{urlencode(query)}", desk)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


@pytest.fixture
def desk(database: Database) -> User:
    return make_user(database, Role.DISPATCHER)


def call(database: Database, desk: User, *, ack_s: float, outcome: Outcome, at: datetime = NOON) -> UUID:
    """A call for help that was taken after so long, and ended a minute later."""
    incident = report(database, make_device(database), at=at).incident_id
    taken_at = at + ack_s * SECOND
    with database.transaction() as session:
        service.acknowledge(session, incident, by=desk.id, at=taken_at)
    with database.transaction() as session:
        service.resolve(session, incident, by=desk.id, outcome=outcome, at=taken_at + 60 * SECOND)
    return incident


def mark(database: Database, incident: UUID, **values: Any) -> None:
    with database.transaction() as session:
        session.execute(update(Incident).where(Incident.id == incident).values(**values))


def test_times_are_counted_from_when_people_were_asked(api: Api, database: Database, desk: User) -> None:
    for ack_s in (10, 20, 90):
        call(database, desk, ack_s=ack_s, outcome=Outcome.ASSISTED)
    said = counted(api, desk)
    assert (said["incidents"], said["open"]) == (3, 0)
    assert said["acknowledged"] == {"count": 3, "p50_s": 20.0, "p95_s": pytest.approx(83.0)}
    assert said["resolved"] == {"count": 3, "p50_s": 80.0, "p95_s": pytest.approx(143.0)}
    assert said["accepted"] == {"count": 0, "p50_s": None, "p95_s": None}


def test_a_countdown_does_not_count_as_waiting(api: Api, database: Database, desk: User) -> None:
    incident = report(database, make_device(database), hold_s=15).incident_id
    with database.transaction() as session:
        service.activate(session, incident, at=NOON + 15 * SECOND)
    with database.transaction() as session:
        service.acknowledge(session, incident, by=desk.id, at=NOON + 20 * SECOND)
    assert counted(api, desk)["acknowledged"]["p50_s"] == 5.0


def test_the_first_helper_who_said_yes_and_the_first_who_came_count(
    api: Api, database: Database, desk: User
) -> None:
    incident = call(database, desk, ack_s=10, outcome=Outcome.ASSISTED)
    told = {
        "incident_id": incident,
        "wave": 1,
        "asked_at": NOON,
        "until_at": NOON,
        "chance": 0.3,
        "terms": {},
    }
    with database.transaction() as session:
        for state, answer_s, arrival_s in (
            (CallState.DECLINED, 5, None),
            (CallState.DONE, 30, 200),
            (CallState.ON_SCENE, 40, 150),
        ):
            session.add(
                HelperCall(
                    helper_id=make_user(database, Role.HELPER).id,
                    state=state,
                    answered_at=NOON + answer_s * SECOND,
                    on_scene_at=NOON + arrival_s * SECOND if arrival_s else None,
                    **told,
                )
            )
    said = counted(api, desk)
    assert said["accepted"] == {"count": 1, "p50_s": 30.0, "p95_s": 30.0}
    assert said["arrived"]["p50_s"] == 150.0


def test_false_alarms_are_a_share_of_what_ended(api: Api, database: Database, desk: User) -> None:
    call(database, desk, ack_s=1, outcome=Outcome.FALSE_ALARM)
    for _ in range(3):
        call(database, desk, ack_s=1, outcome=Outcome.ASSISTED)
    report(database, make_device(database))
    said = counted(api, desk)
    assert said["false_alarm_share"] == 0.25
    assert said["by_outcome"] == {"assisted": 3, "false_alarm": 1}
    assert said["open"] == 1


def test_exercises_canaries_and_merged_calls_are_not_counted_as_calls(
    api: Api, database: Database, desk: User
) -> None:
    real, exercise, canary, merged = (
        call(database, desk, ack_s=ack_s, outcome=Outcome.ASSISTED) for ack_s in (30, 40, 50, 7)
    )
    mark(database, exercise, exercise=True)
    mark(database, canary, exercise=True, canary=True)
    mark(database, merged, merged_into_id=real)
    assert counted(api, desk)["incidents"] == 1
    assert counted(api, desk, exercises="included")["incidents"] == 2
    assert counted(api, desk, exercises="only")["incidents"] == 1
    # Whoever took either of two calls that were one has taken it.
    assert counted(api, desk)["acknowledged"]["p50_s"] == 7.0


def test_shares_beyond_a_level_and_lateness_of_steps(api: Api, database: Database, desk: User) -> None:
    for level in (0, 1, 1, 3):
        mark(database, call(database, desk, ack_s=1, outcome=Outcome.ASSISTED), level=level)
    with database.transaction() as session:
        incident = report(database, make_device(database)).incident_id
        for late_s in (0.1, 0.3):
            session.add(
                IncidentEvent(incident_id=incident, at=NOON, kind="escalated", detail={"late_s": late_s})
            )
    said = counted(api, desk)
    assert said["beyond_level"] == {"0": 0.6, "1": 0.2, "2": 0.2}
    assert said["step_lateness"]["count"] == 2
    assert said["step_lateness"]["p50_s"] == pytest.approx(0.2)


def test_the_canarys_way_is_measured_beside(api: Api, database: Database, desk: User) -> None:
    with database.transaction() as session:
        session.add(CanaryCall(sent_at=NOON, alerted_at=NOON + 2 * SECOND))
        session.add(CanaryCall(sent_at=NOON, trouble="no ack"))
    assert counted(api, desk)["canary"] == {"count": 1, "p50_s": 2.0, "p95_s": 2.0}


def test_a_desk_counts_only_what_it_may_see(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        session.get_one(User, desk.id).alert_regions = []
    call(database, desk, ack_s=1, outcome=Outcome.ASSISTED)
    assert counted(api, desk)["by_region"] == {"default": 1}
    assert counted(api, desk, region="north")["incidents"] == 0


def test_a_time_that_ends_before_it_begins_is_refused(api: Api, desk: User) -> None:
    query = urlencode({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"})
    answer = api.get(f"/api/v1/statistics/incidents/?{query}", desk)
    assert answer.status_code == 422
    assert "since must be before until" in answer.text
