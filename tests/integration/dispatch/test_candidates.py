"""Who may come, on a real database."""

import statistics
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from db.models import HelperCall, Incident, Region, User
from db.session import Database
from db.states import CallState, Role, UserStatus
from dispatch.matching import candidates
from dispatch.matching.candidates import READY, Candidate
from dispatch.matching.rules import FRESH, Reason
from tests.builders import NOON, TASHKENT, make_device, make_user, report
from tests.helping import ask, make_helper, make_phone

SECOND = timedelta(seconds=1)


def opened(database: Database, wearer: User | None = None, **said: Any) -> UUID:
    return report(database, make_device(database, wearer), **(TASHKENT | {"type": "fall"} | said)).incident_id


def look(database: Database, incident_id: UUID, *, wider: bool = False) -> list[Candidate]:
    with database.transaction() as session:
        incident = session.get_one(Incident, incident_id)
        return candidates.list_candidates(session, incident, wider=wider, at=NOON)


def ready(database: Database, incident_id: UUID, *, wider: bool = False) -> list[int]:
    with database.transaction() as session:
        incident = session.get_one(Incident, incident_id)
        return [each.user_id for each in candidates.find_ready(session, incident, wider=wider, at=NOON)]


def reasons(database: Database, incident_id: UUID) -> dict[int, list[Reason]]:
    return {each.user_id: list(each.reasons) for each in look(database, incident_id)}


def test_the_nearest_come_first_with_their_distance_and_what_is_expected(database: Database) -> None:
    far = make_helper(database, metres=900)
    near = make_helper(database, "first_aid", metres=200)
    found = look(database, opened(database))
    assert [each.user_id for each in found] == [near.id, far.id]
    assert abs(found[0].distance_m - 200) < 2
    assert found[0].score.terms["skills"] == ["first_aid"]
    assert found[0].score.chance > found[1].score.chance


def test_everybody_who_is_not_asked_is_shown_with_the_reason(database: Database) -> None:
    wearer = make_helper(database)
    cases = {
        make_helper(database, available=False).id: [Reason.NOT_AVAILABLE],
        make_helper(database, at=NOON - FRESH - SECOND).id: [Reason.PLACE_TOO_OLD],
        make_helper(database, metres=900, radius_m=500).id: [Reason.TOO_FAR],
        make_helper(database, regions=["default"]).id: [],
        make_helper(database).id: [],
        wearer.id: [Reason.IS_THE_WEARER],
    }
    blocked, revoked, silent = make_helper(database), make_helper(database), make_helper(database)
    with database.transaction() as session:
        session.execute(update(User).where(User.id == blocked.id).values(status=UserStatus.BLOCKED))
        session.execute(text("DELETE FROM user_roles WHERE user_id = :id"), {"id": revoked.id})
        session.execute(update(User).where(User.id == silent.id).values(phone=None))
    cases |= {
        blocked.id: [Reason.ACCOUNT_BLOCKED],
        revoked.id: [Reason.NO_HELPER],
        silent.id: [Reason.CANNOT_BE_REACHED],
    }
    incident = opened(database, wearer)
    assert reasons(database, incident) == cases
    assert set(ready(database, incident)) == {user for user, against in cases.items() if not against}


def test_a_phone_with_our_app_is_enough_to_be_reached(database: Database) -> None:
    helper = make_helper(database)
    with database.transaction() as session:
        session.execute(update(User).where(User.id == helper.id).values(phone=None))
    make_phone(database, helper, "a-phone")
    assert ready(database, opened(database)) == [helper.id]


def test_a_helper_goes_only_to_the_regions_they_named_and_to_what_lies_in_none(database: Database) -> None:
    with database.transaction() as session:
        session.add(Region(slug="elsewhere", name="Elsewhere"))
    helper = make_helper(database, regions=["elsewhere"])
    incident = opened(database)
    assert ready(database, incident) == [helper.id]
    with database.transaction() as session:
        session.add(Region(slug="here", name="Here"))
        session.flush()
        session.execute(update(Incident).where(Incident.id == incident).values(region="here"))
    assert reasons(database, incident) == {helper.id: [Reason.OTHER_REGION]}


def test_the_wider_ring_asks_those_who_usually_go_less_far(database: Database) -> None:
    helper = make_helper(database, metres=4_000, radius_m=1_000)
    incident = opened(database)
    assert ready(database, incident) == []
    assert ready(database, incident, wider=True) == [helper.id]


def test_who_is_asked_is_asked_nowhere_else_and_not_a_second_time(database: Database) -> None:
    helper = make_helper(database)
    first, second = opened(database), opened(database)
    assert ask(database, first) == 1
    assert reasons(database, first) == {helper.id: [Reason.ASKED_ALREADY]}
    assert reasons(database, second) == {helper.id: [Reason.ON_ANOTHER_CALL]}


def test_near_ones_who_cannot_come_hide_nobody_behind_them(database: Database) -> None:
    with database.transaction() as session:
        bulk(session, 300, spread=0.001, available=False)
    helper = make_helper(database, metres=900)
    assert ready(database, opened(database)) == [helper.id]


def test_what_a_helper_answered_before_says_how_likely_they_come(database: Database) -> None:
    eager, idle, new = make_helper(database), make_helper(database), make_helper(database)
    past = opened(database)
    with database.transaction() as session:
        for number in range(6):
            at = NOON - timedelta(days=number)
            said = {
                "incident_id": past,
                "wave": 1,
                "asked_at": at,
                "until_at": at,
                "chance": 0.3,
                "terms": {},
            }
            session.add(
                HelperCall(helper_id=eager.id, state=CallState.DONE, answered_at=at, ended_at=at, **said)
            )
            session.add(HelperCall(helper_id=idle.id, state=CallState.EXPIRED, ended_at=at, **said))
            # Nobody learns from whom was never let answer.
            session.add(
                HelperCall(
                    helper_id=new.id, state=CallState.WITHDRAWN, why="taken care of", ended_at=at, **said
                )
            )
    chances = {each.user_id: each.score.chance for each in look(database, opened(database))}
    assert chances[eager.id] > chances[new.id] > chances[idle.id]


def test_without_a_place_nobody_is_near(database: Database) -> None:
    make_helper(database)
    incident = report(database, make_device(database)).incident_id
    assert look(database, incident) == []
    assert ready(database, incident) == []


@pytest.mark.alone
def test_the_nearest_of_a_hundred_thousand_online_helpers_are_found_in_five_milliseconds(
    database: Database,
) -> None:
    incident_id = opened(database)
    # Rolled back at the end: a hundred thousand people are not easily taken away again.
    with Session(database.engine) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        bulk(session, 100_000, spread=0.5)
        session.execute(text("ANALYZE users, user_roles, helpers, last_places"))
        incident = session.get_one(Incident, incident_id)
        asked = candidates.asked_of(incident, wider=False, most=64, at=NOON)
        explain = text(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {READY.text}")
        took = [session.execute(explain, asked).scalar_one()[0]["Execution Time"] for _ in range(15)]
        assert len(session.execute(READY, asked).all()) == 64
    # What the server itself needed; the quickest are those in which no neighbour was in the way.
    assert statistics.median(sorted(took)[:7]) < 5.0


def bulk(session: Any, number: int, *, spread: float, available: bool = True) -> None:
    """Helpers all about Tashkent, by one statement."""
    session.execute(
        text("""
        WITH people AS (
            INSERT INTO users (uuid, phone, full_name, status)
            SELECT gen_random_uuid(), '+7' || (7000000000 + n), 'Helper ' || n, 'active'
            FROM generate_series(1, :number) AS n
            RETURNING id
        ), roles AS (
            INSERT INTO user_roles (user_id, role) SELECT id, 'helper' FROM people
        ), profiles AS (
            INSERT INTO helpers (user_id, skills, radius_m, available)
            SELECT id, '{}', 3000, :available FROM people
        )
        INSERT INTO last_places (user_id, at, lat, lon)
        SELECT id, :at, :lat + :spread * sin(id * 12.9898), :lon + :spread * sin(id * 78.233) FROM people
        """),
        {"number": number, "spread": spread, "available": available, "at": NOON, **TASHKENT},
    )


def test_a_dispatcher_who_is_no_helper_is_not_looked_for(database: Database) -> None:
    make_user(database, Role.DISPATCHER)
    assert look(database, opened(database)) == []
