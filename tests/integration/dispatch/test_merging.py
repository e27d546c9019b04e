"""Several who call of one accident: proposed, merged, unmerged, and nobody lost."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.models import HelperCall, MergeProposal, User
from db.session import Database
from db.states import CallState, IncidentState, Outcome, Role
from dispatch.errors import Conflict, Merged, NotFound
from dispatch.sos import cancelling, desk, merge, queries, rules, service
from dispatch.sos.service import Reported
from tests.builders import (
    NOON,
    TASHKENT,
    call_helper,
    incident_of,
    make_device,
    make_user,
    report,
    set_pins,
)
from tests.integration.dispatch.stories import detail, lines, settle, timeline, told, troubles, waiting

SECOND = timedelta(seconds=1)
METRE = 1 / 111_195
"""Of latitude, in degrees."""


@pytest.fixture
def dilnoza(database: Database) -> User:
    return make_user(database, Role.DISPATCHER)


def press(database: Database, *, north_m: float = 0, after_s: float = 0, **said: Any) -> Reported:
    """Somebody presses near Amir Temur square."""
    lat, lon = TASHKENT["lat"] + north_m * METRE, TASHKENT["lon"]
    at = NOON + after_s * SECOND
    return report(database, make_device(database), at, **{"lat": lat, "lon": lon} | said)


def put(database: Database, child: Reported, parent: Reported, by: User, at: datetime = NOON) -> None:
    with database.transaction() as session:
        merge.merge(session, child.incident_id, into=parent.incident_id, by=by.id, at=at)


def take_out(database: Database, child: Reported, by: User, at: datetime = NOON) -> None:
    with database.transaction() as session:
        merge.unmerge(session, child.incident_id, by=by.id, at=at)


def proposed(database: Database) -> set[tuple[uuid.UUID, uuid.UUID]]:
    with database.transaction() as session:
        rows = session.execute(select(MergeProposal.incident_id, MergeProposal.other_id))
        return {(row.incident_id, row.other_id) for row in rows}


def pair(first: Reported, second: Reported) -> tuple[uuid.UUID, uuid.UUID]:
    return first.incident_id, second.incident_id


def test_two_calls_near_in_place_and_time_are_proposed_for_merging_on_both_timelines(
    database: Database,
) -> None:
    first, second = press(database), press(database, north_m=120, after_s=100)
    settle(database, NOON + 101 * SECOND)
    assert proposed(database) == {pair(first, second)}
    assert detail(database, first.incident_id, "merge_proposed")["other"] == str(second.incident_id)
    assert 119 < detail(database, second.incident_id, "merge_proposed")["distance_m"] < 121
    assert troubles(database) == []


def test_nothing_is_proposed_before_both_have_opened(database: Database) -> None:
    first, second = press(database), press(database, north_m=120, after_s=1)
    settle(database, NOON)  # a turn that began in between
    assert proposed(database) == {pair(first, second)}
    for each in (first, second):
        opened, *later = lines(database, each.incident_id)
        assert opened.kind == "opened"
        assert all(line.at >= opened.at for line in later)


@pytest.mark.parametrize(
    ("north_m", "after_s", "said"),
    [
        (160, 0, {}),
        (0, 190, {}),
        (0, 10, {"exercise": True}),
        (0, 10, {"hold_s": 60}),
        (0, 10, {"lat": None, "lon": None}),
    ],
)
def test_what_is_far_or_late_or_a_drill_or_counting_or_nowhere_is_not_proposed(
    database: Database, north_m: float, after_s: float, said: dict[str, Any]
) -> None:
    press(database)
    press(database, north_m=north_m, after_s=after_s, **said)
    settle(database, NOON + after_s * SECOND)
    assert proposed(database) == set()


def test_a_countdown_that_ends_is_proposed_then(database: Database) -> None:
    first, second = press(database), press(database, after_s=1, hold_s=20)
    settle(database, NOON + 21 * SECOND)
    assert proposed(database) == {pair(first, second)}


def test_thirty_telephones_in_one_bus_are_proposed_with_the_first_alone(database: Database) -> None:
    first, *others = (press(database, north_m=number, after_s=number) for number in range(8))
    settle(database, NOON + 10 * SECOND)
    assert proposed(database) == {pair(first, other) for other in others}


def test_who_is_near_to_a_merged_one_is_proposed_with_the_one_that_speaks_for_it(
    database: Database, dilnoza: User
) -> None:
    first, second = press(database), press(database, north_m=140, after_s=1)
    settle(database, NOON + SECOND)
    put(database, second, first, dilnoza)
    third = press(database, north_m=280, after_s=2)
    settle(database, NOON + 2 * SECOND)
    assert pair(first, third) in proposed(database)


def test_two_that_are_not_one_are_dismissed(database: Database, dilnoza: User) -> None:
    first, second = press(database), press(database, after_s=1)
    settle(database, NOON + SECOND)
    for _ in range(2):
        with database.transaction() as session:
            merge.dismiss(session, second.incident_id, other=first.incident_id, by=dilnoza.id, at=NOON)
    assert timeline(database, first.incident_id).count("merge_dismissed") == 1
    with database.transaction() as session:
        incident = queries.lock_incident(session, first.incident_id)
        assert list(merge.proposals_of(session, incident)) == []
    far = press(database, north_m=5_000)
    with pytest.raises(NotFound, match="was not proposed"), database.transaction() as session:
        merge.dismiss(session, far.incident_id, other=first.incident_id, by=dilnoza.id, at=NOON)


def test_a_merged_incident_is_asked_about_no_more_and_the_other_speaks_for_it(
    database: Database, dilnoza: User
) -> None:
    first, second = press(database, severity=2), press(database, severity=4, after_s=1)
    settle(database, NOON + SECOND)
    put(database, second, first, dilnoza)
    put(database, second, first, dilnoza)  # said again, it changes nothing
    child, parent = incident_of(database, second), incident_of(database, first)
    assert (child.merged_into_id, parent.severity) == (parent.id, 4)
    assert waiting(database, child.id) == {}
    assert "escalation" in waiting(database, parent.id)
    assert timeline(database, child.id)[-1] == "merged"
    assert timeline(database, parent.id)[-1] == "took_in"
    settle(database, NOON + 300 * SECOND)
    assert incident_of(database, second).level == 0
    assert troubles(database) == []


def test_what_another_speaks_for_cannot_be_moved_by_itself(database: Database, dilnoza: User) -> None:
    first, second = press(database), press(database)
    put(database, second, first, dilnoza)
    with pytest.raises(Merged, match=str(first.incident_id)), database.transaction() as session:
        service.acknowledge(session, second.incident_id, by=dilnoza.id, at=NOON)
    with pytest.raises(Merged), database.transaction() as session:
        service.resolve(session, second.incident_id, by=dilnoza.id, outcome=Outcome.FALSE_ALARM, at=NOON)
    with database.transaction() as session:
        desk.note(session, second.incident_id, text="the driver", by=dilnoza.id, at=NOON)
    assert waiting(database, second.incident_id) == {}


def test_the_end_of_the_one_is_the_end_of_all_with_the_same_outcome(
    database: Database, dilnoza: User
) -> None:
    first, second, third = (press(database) for _ in range(3))
    for child in (second, third):
        put(database, child, first, dilnoza)
    with database.transaction() as session:
        service.resolve(
            session, first.incident_id, by=dilnoza.id, outcome=Outcome.HANDED_OVER, note="fire", at=NOON
        )
    for each in (first, second, third):
        incident = incident_of(database, each)
        assert (incident.state, incident.outcome) == (IncidentState.RESOLVED, Outcome.HANDED_OVER)
        assert waiting(database, incident.id) == {}


def test_an_unmerged_incident_asks_for_itself_again(database: Database, dilnoza: User) -> None:
    first, second = press(database), press(database)
    put(database, second, first, dilnoza)
    take_out(database, second, dilnoza, NOON + 60 * SECOND)
    child = incident_of(database, second)
    assert (child.merged_into_id, child.state) == (None, IncidentState.ACTIVE)
    assert waiting(database, child.id) == {"escalation": NOON + 90 * SECOND}
    assert timeline(database, first.incident_id)[-1] == "let_go"
    with pytest.raises(Conflict, match="is not merged"):
        take_out(database, second, dilnoza)


def test_what_ended_together_stays_ended_when_it_is_unmerged_and_can_be_reopened_alone(
    database: Database, dilnoza: User
) -> None:
    first, second = press(database), press(database)
    put(database, second, first, dilnoza)
    with database.transaction() as session:
        service.resolve(session, first.incident_id, by=dilnoza.id, outcome=Outcome.ASSISTED, at=NOON)
    take_out(database, second, dilnoza)
    assert incident_of(database, second).state == IncidentState.RESOLVED
    assert waiting(database, second.incident_id) == {}
    with database.transaction() as session:
        desk.reopen(session, second.incident_id, by=dilnoza.id, at=NOON)
    assert set(waiting(database, second.incident_id)) == {"escalation"}


def test_a_merged_one_that_is_reopened_alone_speaks_for_itself(database: Database, dilnoza: User) -> None:
    first, second = press(database), press(database)
    put(database, second, first, dilnoza)
    with database.transaction() as session:
        service.resolve(session, first.incident_id, by=dilnoza.id, outcome=Outcome.ASSISTED, at=NOON)
    with database.transaction() as session:
        desk.reopen(session, second.incident_id, by=dilnoza.id, at=NOON)
    child = incident_of(database, second)
    assert (child.state, child.merged_into_id) == (IncidentState.ACTIVE, None)
    assert incident_of(database, first).state == IncidentState.RESOLVED


def test_there_are_no_circles_and_no_chains(database: Database, dilnoza: User) -> None:
    first, second, third = (press(database) for _ in range(3))
    put(database, second, first, dilnoza)
    for child, parent in ((first, first), (first, second), (first, third), (third, second), (second, third)):
        with pytest.raises(Conflict):
            put(database, child, parent, dilnoza)
    put(database, third, first, dilnoza)


def test_a_drill_is_not_merged_with_a_call(database: Database, dilnoza: User) -> None:
    call, drill = press(database), press(database, exercise=True)
    with pytest.raises(Conflict, match="an exercise"):
        put(database, drill, call, dilnoza)


def test_what_counts_down_and_what_is_over_is_not_merged(database: Database, dilnoza: User) -> None:
    first, counting, over = press(database), press(database, hold_s=60), press(database)
    with database.transaction() as session:
        service.resolve(session, over.incident_id, by=dilnoza.id, outcome=Outcome.ASSISTED, at=NOON)
    for other in (counting, over):
        with pytest.raises(Conflict):
            put(database, other, first, dilnoza)
        with pytest.raises(Conflict):
            put(database, first, other, dilnoza)


def test_who_was_on_the_way_to_the_one_goes_to_the_other(database: Database, dilnoza: User) -> None:
    first, second = press(database), press(database)
    going, asked_twice = (make_user(database, Role.HELPER) for _ in range(2))
    with database.transaction() as session:
        incident = queries.lock_incident(session, second.incident_id)
        service.responding(session, incident, by=going.id, at=NOON)
    call_helper(database, second.incident_id, going, state=CallState.EN_ROUTE)
    call_helper(database, second.incident_id, asked_twice, state=CallState.ACCEPTED)
    call_helper(database, first.incident_id, asked_twice, state=CallState.ALERTED)
    put(database, second, first, dilnoza)
    assert incident_of(database, first).state == IncidentState.RESPONDING
    assert incident_of(database, second).state == IncidentState.ACTIVE
    assert set(waiting(database, first.incident_id)) == {"scene_check"}
    with database.transaction() as session:
        calls = session.scalars(select(HelperCall).order_by(HelperCall.id)).all()
        assert [(call.incident_id, call.state) for call in calls] == [
            (first.incident_id, CallState.EN_ROUTE),
            (first.incident_id, CallState.ACCEPTED),
            (first.incident_id, CallState.WITHDRAWN),
        ]


def test_a_press_of_a_merged_device_stands_on_the_timeline_of_the_one_that_speaks_for_it(
    database: Database, dilnoza: User
) -> None:
    device = make_device(database)
    first, second = press(database), report(database, device, **TASHKENT)
    put(database, second, first, dilnoza)
    settle(database, NOON)
    again = report(database, device, at=NOON + SECOND, severity=5)
    assert again.incident_id == second.incident_id
    settle(database, NOON + SECOND)
    heard = detail(database, first.incident_id, "heard_of_merged")
    assert heard == {"other": str(second.incident_id), "said": "joined"}
    assert incident_of(database, first).severity == 5


def test_who_takes_their_own_call_back_ends_nobody_elses(database: Database, dilnoza: User) -> None:
    wearer = make_user(database)
    set_pins(database, wearer)
    device = make_device(database, wearer)
    first, second = report(database, device, **TASHKENT), press(database)
    put(database, second, first, dilnoza)
    with database.transaction() as session:
        cancelling.cancel(session, device.id, frame_id="c", pin="4711", at=NOON + 10 * SECOND)
    assert incident_of(database, first).state == IncidentState.RESOLVED
    other = incident_of(database, second)
    assert (other.state, other.merged_into_id) == (IncidentState.ACTIVE, None)
    assert set(waiting(database, other.id)) == {"escalation"}


def test_a_merged_wearer_may_take_their_call_back_alone(database: Database, dilnoza: User) -> None:
    wearer = make_user(database)
    set_pins(database, wearer)
    device = make_device(database, wearer)
    first, second = press(database), report(database, device, **TASHKENT)
    put(database, second, first, dilnoza)
    with database.transaction() as session:
        cancelling.cancel(session, device.id, frame_id="c", pin="4711", at=NOON)
    assert incident_of(database, second).outcome == Outcome.CANCELLED
    assert incident_of(database, first).state == IncidentState.ACTIVE
    settle(database, NOON)
    assert detail(database, first.incident_id, "heard_of_merged")["said"] == "resolved"


def test_a_merged_wearer_who_is_forced_is_heard_of(database: Database, dilnoza: User) -> None:
    wearer = make_user(database)
    set_pins(database, wearer)
    device = make_device(database, wearer)
    first, second = press(database), report(database, device, **TASHKENT)
    put(database, second, first, dilnoza)
    with database.transaction() as session:
        cancelling.cancel(session, device.id, frame_id="c", pin="9999", at=NOON)
    settle(database, NOON)
    assert detail(database, first.incident_id, "heard_of_merged")["said"] == "cancelled_under_duress"
    assert incident_of(database, first).severity == rules.HIGHEST_SEVERITY
    assert waiting(database, second.incident_id) == {}


def test_every_move_of_the_one_is_shown_on_the_watches_of_all(database: Database, dilnoza: User) -> None:
    first, second = press(database), press(database)
    put(database, second, first, dilnoza)
    settle(database, NOON)
    before = told(database, second)
    with database.transaction() as session:
        service.acknowledge(session, first.incident_id, by=dilnoza.id, at=NOON)
    settle(database, NOON)
    assert told(database, second) == before + 1
