"""Somebody goes: what a helper's yes means for the incident."""

from datetime import timedelta

import pytest

from db.models import User
from db.session import Database
from db.states import CallState, IncidentState, Outcome, Role
from dispatch.errors import Held, IllegalMove
from dispatch.sos import desk, queries, rules, service
from dispatch.sos.service import Reported
from tests.builders import NOON, call_helper, incident_of, make_device, make_user, report
from tests.integration.dispatch.stories import settle, timeline, waiting

SECOND = timedelta(seconds=1)


@pytest.fixture
def reported(database: Database) -> Reported:
    return report(database, make_device(database))


@pytest.fixture
def helper(database: Database) -> User:
    return make_user(database, Role.HELPER, name="Jamshid Umarov")


@pytest.fixture
def dilnoza(database: Database) -> User:
    return make_user(database, Role.DISPATCHER, name="Dilnoza Rahimova")


def goes(database: Database, reported: Reported, helper: User, after_s: float = 0) -> None:
    with database.transaction() as session:
        incident = queries.lock_incident(session, reported.incident_id)
        service.responding(session, incident, by=helper.id, at=NOON + after_s * SECOND)


def arrives(database: Database, reported: Reported, helper: User, after_s: float = 0) -> None:
    with database.transaction() as session:
        incident = queries.lock_incident(session, reported.incident_id)
        service.on_scene(session, incident, by=helper.id, at=NOON + after_s * SECOND)


def turns_back(database: Database, reported: Reported, after_s: float = 0) -> None:
    with database.transaction() as session:
        incident = queries.lock_incident(session, reported.incident_id)
        service.nobody_goes(session, incident, at=NOON + after_s * SECOND)


def acknowledge(database: Database, reported: Reported, by: User, after_s: float = 0) -> None:
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=by.id, at=NOON + after_s * SECOND)


def test_a_helpers_yes_ends_the_asking_and_begins_the_watch_over_the_scene(
    database: Database, reported: Reported, helper: User
) -> None:
    goes(database, reported, helper, 10)
    assert incident_of(database, reported).state == IncidentState.RESPONDING
    assert waiting(database, reported.incident_id) == {"scene_check": NOON + 10 * SECOND + rules.SCENE_CHECK}
    arrives(database, reported, helper, 200)
    assert incident_of(database, reported).state == IncidentState.ON_SCENE
    assert timeline(database, reported.incident_id) == ["opened", "response_began", "arrived"]


def test_a_second_yes_moves_nothing(database: Database, reported: Reported, helper: User) -> None:
    second = make_user(database, Role.HELPER)
    goes(database, reported, helper)
    goes(database, reported, second)
    arrives(database, reported, helper)
    call_helper(database, reported.incident_id, helper, state=CallState.ON_SCENE)
    goes(database, reported, second)
    assert incident_of(database, reported).state == IncidentState.ON_SCENE
    assert timeline(database, reported.incident_id) == ["opened", "response_began", "arrived"]


def test_when_the_one_who_was_there_has_left_another_is_on_the_way_again(
    database: Database, reported: Reported, helper: User
) -> None:
    goes(database, reported, helper)
    arrives(database, reported, helper)
    goes(database, reported, make_user(database, Role.HELPER))
    assert incident_of(database, reported).state == IncidentState.RESPONDING


def test_when_nobody_goes_any_more_the_asking_goes_on_from_the_level_it_had_reached(
    database: Database, reported: Reported, helper: User
) -> None:
    make_user(database, Role.DISPATCHER)
    settle(database, NOON + 30 * SECOND)
    goes(database, reported, helper, 40)
    turns_back(database, reported, 100)
    incident = incident_of(database, reported)
    assert (incident.state, incident.level) == (IncidentState.ACTIVE, 1)
    assert waiting(database, reported.incident_id) == {"escalation": NOON + 130 * SECOND}
    settle(database, NOON + 130 * SECOND)
    assert incident_of(database, reported).level == 3  # there is no guardian to wait for


def test_when_nobody_goes_any_more_a_dispatcher_who_was_heard_of_has_it_again(
    database: Database, reported: Reported, helper: User, dilnoza: User
) -> None:
    acknowledge(database, reported, dilnoza)
    goes(database, reported, helper, 10)
    turns_back(database, reported, 60)
    incident = incident_of(database, reported)
    assert (incident.state, incident.acknowledged_by_id) == (IncidentState.ACKNOWLEDGED, dilnoza.id)
    assert waiting(database, reported.incident_id) == {"ack_lease": NOON + rules.ACK_LEASE}


def test_a_dispatcher_who_fell_silent_meanwhile_does_not(
    database: Database, reported: Reported, helper: User, dilnoza: User
) -> None:
    acknowledge(database, reported, dilnoza)
    goes(database, reported, helper, 10)
    settle(database, NOON + rules.ACK_LEASE)
    assert incident_of(database, reported).state == IncidentState.RESPONDING
    turns_back(database, reported, 121)
    incident = incident_of(database, reported)
    assert (incident.state, incident.acknowledged_by_id) == (IncidentState.ACTIVE, None)


def test_a_dispatcher_may_look_after_what_a_helper_answered_first(
    database: Database, reported: Reported, helper: User, dilnoza: User
) -> None:
    goes(database, reported, helper)
    acknowledge(database, reported, dilnoza, 10)
    incident = incident_of(database, reported)
    assert (incident.state, incident.acknowledged_by_id) == (IncidentState.RESPONDING, dilnoza.id)
    with pytest.raises(Held, match="Dilnoza Rahimova looks after this; reassign it"):
        acknowledge(database, reported, make_user(database, Role.DISPATCHER), 20)
    colleague = make_user(database, Role.DISPATCHER)
    acknowledge(database, reported, colleague, 10 + 121)  # Dilnoza was not heard of since
    assert incident_of(database, reported).acknowledged_by_id == colleague.id


def test_dispatchers_are_asked_how_it_stands_again_and_again(
    database: Database, reported: Reported, helper: User
) -> None:
    goes(database, reported, helper)
    for times in (1, 2, 3):
        settle(database, NOON + times * rules.SCENE_CHECK)
        assert timeline(database, reported.incident_id).count("scene_asked_after") == times
        assert waiting(database, reported.incident_id) == {
            "scene_check": NOON + (times + 1) * rules.SCENE_CHECK
        }


def test_a_note_puts_the_question_off(database: Database, reported: Reported, helper: User) -> None:
    dispatcher = make_user(database, Role.DISPATCHER)
    goes(database, reported, helper)
    with database.transaction() as session:
        desk.note(session, reported.incident_id, text="they wait", by=dispatcher.id, at=NOON + 600 * SECOND)
    settle(database, NOON + rules.SCENE_CHECK)
    assert "scene_asked_after" not in timeline(database, reported.incident_id)


def test_nobody_arrives_where_nobody_goes(database: Database, reported: Reported, helper: User) -> None:
    with pytest.raises(IllegalMove, match="possible now: acknowledge, resolve, note, exercise, merge"):
        arrives(database, reported, helper)
    with pytest.raises(IllegalMove):
        turns_back(database, reported)
    with database.transaction() as session:
        service.resolve(session, reported.incident_id, by=helper.id, outcome=Outcome.ASSISTED, at=NOON)
    with pytest.raises(IllegalMove, match="possible now: reopen, note"):
        goes(database, reported, helper)
