"""Notes, handing over, reopening, exercises: what a dispatcher does beside taking and ending."""

import uuid
from datetime import timedelta

import pytest

from db.models import Region, User
from db.session import Database
from db.states import CommandKind, IncidentState, Outcome, Role, UserStatus
from dispatch import commands
from dispatch.errors import Conflict, IllegalMove, NotFound, WrongFields
from dispatch.sos import desk, queries, rules, service
from dispatch.sos.service import Reported
from tests.builders import NOON, TASHKENT, incident_of, make_device, make_user, report
from tests.integration.dispatch.stories import detail, settle, timeline, waiting

SECOND = timedelta(seconds=1)


@pytest.fixture
def dilnoza(database: Database) -> User:
    return make_user(database, Role.DISPATCHER, name="Dilnoza")


@pytest.fixture
def taken(database: Database, dilnoza: User) -> Reported:
    """An incident that Dilnoza looks after since noon."""
    reported = report(database, make_device(database))
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=dilnoza.id, at=NOON)
    return reported


def resolve(database: Database, reported: Reported, by: User) -> None:
    with database.transaction() as session:
        service.resolve(session, reported.incident_id, by=by.id, outcome=Outcome.FALSE_ALARM, at=NOON)


def test_a_note_keeps_the_incident_with_whoever_looks_after_it(
    database: Database, taken: Reported, dilnoza: User
) -> None:
    with database.transaction() as session:
        desk.note(session, taken.incident_id, text="rang back", by=dilnoza.id, at=NOON + 100 * SECOND)
    settle(database, NOON + 219 * SECOND)
    assert incident_of(database, taken).state == IncidentState.ACKNOWLEDGED
    assert detail(database, taken.incident_id, "noted") == {"text": "rang back"}
    settle(database, NOON + 220 * SECOND)
    assert incident_of(database, taken).state == IncidentState.ACTIVE


def test_a_word_to_the_wearers_device_keeps_it_as_well(
    database: Database, taken: Reported, dilnoza: User
) -> None:
    incident = incident_of(database, taken)
    colleague = make_user(database, Role.DISPATCHER)
    for by, after_s, until_s in ((colleague.id, 50, 120), (None, 60, 120), (dilnoza.id, 70, 190)):
        with database.transaction() as session:
            commands.ask(session, incident.device_id, do=CommandKind.RING, by=by, at=NOON + after_s * SECOND)
        assert waiting(database, incident.id) == {"ack_lease": NOON + until_s * SECOND}


def test_a_note_stops_no_escalation(database: Database, dilnoza: User) -> None:
    reported = report(database, make_device(database))
    with database.transaction() as session:
        desk.note(session, reported.incident_id, text="hm", by=dilnoza.id, at=NOON)
    assert set(waiting(database, reported.incident_id)) == {"escalation"}


def test_what_is_over_may_still_be_noted(database: Database, taken: Reported, dilnoza: User) -> None:
    resolve(database, taken, dilnoza)
    with database.transaction() as session:
        desk.note(session, taken.incident_id, text="at home now", by=dilnoza.id, at=NOON)
    assert waiting(database, taken.incident_id) == {}


def test_an_incident_is_handed_over_with_a_word_on_from_whom_to_whom(
    database: Database, taken: Reported, dilnoza: User
) -> None:
    bekzod = make_user(database, Role.DISPATCHER, name="Bekzod")
    for _ in range(2):
        with database.transaction() as session:
            desk.reassign(
                session,
                taken.incident_id,
                to=bekzod.uuid,
                why="end of shift",
                by=dilnoza.id,
                at=NOON + 60 * SECOND,
            )
    assert incident_of(database, taken).acknowledged_by_id == bekzod.id
    assert detail(database, taken.incident_id, "reassigned") == {
        "from": {"uuid": str(dilnoza.uuid), "name": "Dilnoza"},
        "to": {"uuid": str(bekzod.uuid), "name": "Bekzod"},
        "why": "end of shift",
    }
    assert waiting(database, taken.incident_id) == {"ack_lease": NOON + 60 * SECOND + rules.ACK_LEASE}


def test_an_incident_is_handed_only_to_who_may_see_it(
    database: Database, taken: Reported, dilnoza: User
) -> None:
    wearer, far, blocked = (make_user(database, Role(role)) for role in ("customer", *["dispatcher"] * 2))
    boss = make_user(database, Role.ADMIN)
    with database.transaction() as session:
        session.add(Region(slug="tashkent", name="Tashkent"))
    with database.transaction() as session:
        queries.lock_incident(session, taken.incident_id).region = "tashkent"
        session.get_one(User, far.id).alert_regions = ["north"]
        session.get_one(User, boss.id).alert_regions = ["north"]
        session.get_one(User, blocked.id).status = UserStatus.BLOCKED
    for to in (wearer.uuid, far.uuid, blocked.uuid, uuid.uuid4()):
        with pytest.raises(WrongFields), database.transaction() as session:
            desk.reassign(session, taken.incident_id, to=to, by=dilnoza.id, at=NOON)
    with database.transaction() as session:
        desk.reassign(session, taken.incident_id, to=boss.uuid, by=dilnoza.id, at=NOON)
    assert incident_of(database, taken).acknowledged_by_id == boss.id


def test_what_nobody_looks_after_is_not_handed_over(database: Database, dilnoza: User) -> None:
    reported = report(database, make_device(database))
    refused = pytest.raises(IllegalMove, match="reassign: not while the incident is active")
    with refused, database.transaction() as session:
        desk.reassign(session, reported.incident_id, to=dilnoza.uuid, by=dilnoza.id, at=NOON)


def test_a_reopened_incident_asks_again(database: Database, taken: Reported, dilnoza: User) -> None:
    resolve(database, taken, dilnoza)
    with database.transaction() as session:
        desk.reopen(session, taken.incident_id, why="rang again", by=dilnoza.id, at=NOON + 60 * SECOND)
    incident = incident_of(database, taken)
    assert (incident.state, incident.outcome, incident.resolved_at) == (IncidentState.ACTIVE, None, None)
    assert incident.acknowledged_by_id is None
    assert detail(database, taken.incident_id, "reopened") == {"was": "false_alarm", "why": "rang again"}
    assert waiting(database, taken.incident_id) == {"escalation": NOON + 90 * SECOND}


def test_an_incident_is_not_reopened_beside_another_of_its_device(database: Database, dilnoza: User) -> None:
    device = make_device(database)
    first = report(database, device)
    resolve(database, first, dilnoza)
    second = report(database, device, at=NOON + timedelta(days=1))
    with pytest.raises(Conflict, match=str(second.incident_id)), database.transaction() as session:
        desk.reopen(session, first.incident_id, by=dilnoza.id, at=NOON + timedelta(days=1))
    with pytest.raises(IllegalMove, match="possible now: acknowledge"), database.transaction() as session:
        desk.reopen(session, second.incident_id, by=dilnoza.id, at=NOON)
    with pytest.raises(NotFound), database.transaction() as session:
        desk.reopen(session, uuid.uuid4(), by=dilnoza.id, at=NOON)


def test_an_exercise_goes_on_as_a_real_call_does_and_is_marked(database: Database, dilnoza: User) -> None:
    reported = report(database, make_device(database), exercise=True)
    assert incident_of(database, reported).exercise is True
    settle(database, NOON + 30 * SECOND)
    assert incident_of(database, reported).level == 1
    with database.transaction() as session:
        desk.mark_exercise(
            session, reported.incident_id, exercise=False, why="he fell", by=dilnoza.id, at=NOON
        )
    assert incident_of(database, reported).exercise is False
    assert detail(database, reported.incident_id, "made_real") == {"why": "he fell"}


def test_what_somebody_goes_to_is_not_made_an_exercise(
    database: Database, taken: Reported, dilnoza: User
) -> None:
    helper = make_user(database, Role.HELPER)
    with database.transaction() as session:
        incident = queries.lock_incident(session, taken.incident_id)
        service.responding(session, incident, by=helper.id, at=NOON)
    with pytest.raises(Conflict, match="on their way to a real call"), database.transaction() as session:
        desk.mark_exercise(session, taken.incident_id, exercise=True, by=dilnoza.id, at=NOON)


def test_a_press_beside_a_real_one_changes_no_mark(database: Database) -> None:
    device = make_device(database)
    reported = report(database, device, **TASHKENT)
    report(database, device, at=NOON + SECOND, exercise=True)
    assert incident_of(database, reported).exercise is False
    assert timeline(database, reported.incident_id) == ["opened", "joined"]
