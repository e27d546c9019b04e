"""Asking further until a person answers, on a real database."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from db.models import Contact, Incident, IncidentEvent, Message, Policy, Timer, User
from db.session import Database
from db.states import Outcome, Role, WorkStatus
from dispatch import relay
from dispatch.sos import asking, escalation, guardians, service
from dispatch.sos.asking import Reached
from dispatch.sos.statements import Words
from tests.builders import NOON, incident_of, make_device, make_user, report
from tests.watchers import make_contact, make_duty

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)

QUICK = [
    {"after_s": 0, "whom": ["dispatchers"]},
    {"after_s": 10, "whom": ["guardians"]},
    {"after_s": 20, "whom": ["supervisor"]},
]


def settle(database: Database, at: datetime) -> None:
    """Let the relay react until nothing is due."""
    while relay.turn(database, at=at):
        pass


def make_policy(database: Database, steps: list[dict[str, Any]], **said: Any) -> None:
    with database.transaction() as session:
        session.add(Policy(**{"name": "quick", "steps": steps, "repeat_s": 30, "changed_at": NOON} | said))


def lines(database: Database, incident_id: uuid.UUID, *kinds: str) -> list[IncidentEvent]:
    with database.transaction() as session:
        events = select(IncidentEvent).where(IncidentEvent.incident_id == incident_id)
        wanted = events.where(IncidentEvent.kind.in_(kinds or ("asked", "escalated")))
        return list(session.scalars(wanted.order_by(IncidentEvent.id)))


def levels(database: Database, incident_id: uuid.UUID) -> list[int]:
    return [line.detail["level"] for line in lines(database, incident_id)]


def messages(database: Database) -> list[tuple[str, int | None, int | None]]:
    with database.transaction() as session:
        rows = session.scalars(select(Message).order_by(Message.id))
        return [(each.text, each.user_id, each.contact_id) for each in rows]


def next_due(database: Database, incident_id: uuid.UUID) -> datetime:
    with database.transaction() as session:
        waiting = select(Timer.due_at).where(
            Timer.subject == incident_id, Timer.kind == "escalation", Timer.status == WorkStatus.WAITING
        )
        return session.scalars(waiting).one()


def test_the_first_step_is_taken_at_once_and_says_whom_it_reached(database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER, name="Dilnoza")
    incident = incident_of(database, report(database, make_device(database)))
    settle(database, NOON + 0.25 * SECOND)
    [asked] = lines(database, incident.id)
    assert asked.kind == "asked"
    assert asked.detail == {
        "level": 0,
        "whom": ["helpers", "dispatchers"],
        "reached": {
            "helpers": {"count": 0, "why": "nobody is left who could come"},
            "dispatchers": {
                "count": 1,
                "names": ["Dilnoza"],
                "why": "no dispatcher is on duty: all were asked",
            },
        },
        "late_s": 0.25,
    }
    assert messages(database) == [("sos.dispatcher", desk.id, None)]
    assert next_due(database, incident.id) == NOON + 30 * SECOND


def test_the_press_itself_asks_nobody(database: Database) -> None:
    make_user(database, Role.DISPATCHER)
    report(database, make_device(database))
    assert messages(database) == []


@pytest.mark.parametrize("times", [1, 3])
def test_a_fact_that_is_reacted_to_again_asks_nobody_again(database: Database, times: int) -> None:
    make_user(database, Role.DISPATCHER)
    reported = report(database, make_device(database))
    for _ in range(times):
        with database.transaction() as session:
            asking.begin(session, reported.incident_id, at=NOON)
    assert levels(database, reported.incident_id) == [0]
    assert len(messages(database)) == 1


def test_nobody_answering_is_asked_level_by_level_and_then_again_and_again(database: Database) -> None:
    wearer, admin = make_user(database), make_user(database, Role.ADMIN)
    contact = make_contact(database, wearer)
    make_policy(database, QUICK)
    reported = report(database, make_device(database, wearer))
    seen = []
    for after_s in (0, 9, 10, 20, 49, 50, 80):
        settle(database, NOON + after_s * SECOND)
        seen.append(incident_of(database, reported).level)
    assert seen == [0, 0, 1, 2, 2, 3, 4]
    assert messages(database) == [
        ("sos.dispatcher", admin.id, None),
        ("sos.guardian", None, contact.id),
        ("sos.supervisor", admin.id, None),
        ("sos.supervisor", admin.id, None),
        ("sos.supervisor", admin.id, None),
    ]


def test_a_step_that_comes_late_says_how_late(database: Database) -> None:
    make_user(database, Role.ADMIN)
    reported = report(database, make_device(database))
    settle(database, NOON)
    settle(database, NOON + 37.5 * SECOND)
    escalated = lines(database, reported.incident_id, "escalated")[0]
    assert (escalated.detail["level"], escalated.detail["late_s"]) == (1, 7.5)


def test_a_step_that_reaches_nobody_goes_on_to_the_next_at_once(database: Database) -> None:
    make_user(database, Role.ADMIN)
    reported = report(database, make_device(database, make_user(database)))
    settle(database, NOON)
    settle(database, NOON + 60 * SECOND)  # the guardians' step, of a wearer who has named none
    asked = {line.detail["level"]: line for line in lines(database, reported.incident_id)}
    assert asked[2].detail["reached"] == {
        "guardians": {"count": 0, "why": "the wearer has named no guardian"}
    }
    assert (asked[3].at, asked[3].detail["whom"]) == (NOON + 60 * SECOND, ["supervisor"])


def test_where_nobody_is_ever_reached_it_goes_to_the_end_and_then_by_the_minute(database: Database) -> None:
    reported = report(database, make_device(database))
    for _ in range(50):
        relay.turn(database, at=NOON)
    assert levels(database, reported.incident_id) == [0, 1, 2, 3]
    assert next_due(database, reported.incident_id) == NOON + 60 * SECOND


def test_steps_missed_while_nothing_ran_are_caught_up_at_once_each_with_its_lateness(
    database: Database,
) -> None:
    make_user(database, Role.ADMIN)
    make_contact(database, wearer := make_user(database))
    reported = report(database, make_device(database, wearer))
    settle(database, NOON + HOUR)
    asked = lines(database, reported.incident_id)
    assert [(line.kind, line.detail["level"]) for line in asked] == [
        ("asked", 0),
        *(("escalated", level) for level in (1, 2, 3)),
    ]
    assert all(line.at == NOON + HOUR for line in asked)
    assert [line.detail["late_s"] for line in asked] == [3600, 3570, 3540, 3480]
    assert next_due(database, reported.incident_id) == NOON + HOUR + 60 * SECOND


def test_an_acknowledgement_stops_it_and_its_lapse_asks_the_level_that_was_reached_again(
    database: Database,
) -> None:
    desk = make_user(database, Role.DISPATCHER)
    make_policy(database, QUICK)
    reported = report(database, make_device(database))
    settle(database, NOON)
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON + 5 * SECOND)
    settle(database, NOON + 100 * SECOND)
    assert levels(database, reported.incident_id) == [0]
    settle(database, NOON + 125 * SECOND)
    assert levels(database, reported.incident_id) == [0, 0]
    assert [text for text, *_ in messages(database)] == ["sos.dispatcher"] * 2
    assert next_due(database, reported.incident_id) == NOON + 135 * SECOND


def test_an_answer_before_the_first_step_was_taken_leaves_everybody_in_peace(database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    reported = report(database, make_device(database))
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON)
    settle(database, NOON + SECOND)
    assert messages(database) == []


def test_a_press_during_the_countdown_asks_people_at_once(database: Database) -> None:
    make_user(database, Role.DISPATCHER)
    device = make_device(database)
    reported = report(database, device, hold_s=60)
    settle(database, NOON)
    assert messages(database) == []
    report(database, device, at=NOON + SECOND)
    settle(database, NOON + SECOND)
    assert levels(database, reported.incident_id) == [0]


def test_a_step_of_a_level_that_was_left_does_nothing(database: Database) -> None:
    make_user(database, Role.ADMIN)
    reported = report(database, make_device(database))
    settle(database, NOON)
    with database.transaction() as session:
        session.execute(update(Incident).values(level=2))
        stale = session.scalars(select(Timer).where(Timer.kind == "escalation")).all()[-1]
    before = len(messages(database))
    with database.transaction() as session:
        asking.escalate(session, stale, at=NOON + 30 * SECOND)
    assert incident_of(database, reported).level == 2
    assert len(messages(database)) == before
    assert next_due(database, reported.incident_id)  # and the incident is not forgotten


def test_a_canary_wakes_nobody_and_keeps_time(database: Database) -> None:
    make_user(database, Role.ADMIN)
    reported = report(database, make_device(database))
    with database.transaction() as session:
        session.execute(update(Incident).values(canary=True))
    settle(database, NOON)
    settle(database, NOON + 30 * SECOND)
    assert messages(database) == []
    assert incident_of(database, reported).level == 1
    assert next_due(database, reported.incident_id) == NOON + 60 * SECOND


def test_one_whom_asking_fails_does_not_silence_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Reached:
        raise RuntimeError("a fault of ours")

    monkeypatch.setitem(asking.TARGETS, "helpers", broken)
    desk = make_user(database, Role.DISPATCHER)
    reported = report(database, make_device(database))
    settle(database, NOON)
    [asked] = lines(database, reported.incident_id)
    assert asked.detail["reached"]["helpers"] == {"count": 0, "why": "asking failed: RuntimeError"}
    assert messages(database) == [("sos.dispatcher", desk.id, None)]


def test_who_is_on_duty_is_woken_and_who_is_not_sleeps(database: Database) -> None:
    on, off = (make_user(database, Role.DISPATCHER, name=name) for name in ("On", "Off"))
    make_duty(database, on, "00:00", "24:00")
    make_duty(database, off, "00:00", "01:00", timezone="UTC")
    reported = report(database, make_device(database))
    settle(database, NOON)
    [asked] = lines(database, reported.incident_id)
    assert asked.detail["reached"]["dispatchers"] == {"count": 1, "names": ["On"]}
    assert messages(database) == [("sos.dispatcher", on.id, None)]


def test_a_policy_edited_later_does_not_touch_an_open_incident(database: Database) -> None:
    make_user(database, Role.ADMIN)
    make_policy(database, QUICK)
    reported = report(database, make_device(database))
    with database.transaction() as session:
        session.execute(update(Policy).values(steps=[{"after_s": 0, "whom": ["helpers"]}], repeat_s=3600))
    incident = incident_of(database, reported)
    assert (incident.policy, incident.policy_name, incident.repeat_s) == (QUICK, "quick", 30)


Guardian = Callable[[], tuple[uuid.UUID, Contact, str]]


@pytest.fixture
def told(database: Database) -> tuple[uuid.UUID, Contact, str]:
    """An incident whose wearer's guardian was told, and the token of their link."""
    wearer: User = make_user(database)
    make_user(database, Role.ADMIN)
    contact = make_contact(database, wearer)
    reported = report(database, make_device(database, wearer))
    settle(database, NOON)
    settle(database, NOON + 60 * SECOND)
    return reported.incident_id, contact, guardians.make_token(reported.incident_id, contact)


def test_a_guardian_who_was_told_is_told_the_end_and_no_other(
    database: Database, told: tuple[uuid.UUID, Contact, str]
) -> None:
    incident, contact, _ = told
    at = NOON + 70 * SECOND
    with database.transaction() as session:
        wearer = session.get_one(Incident, incident).wearer_id
        session.add(Contact(wearer_id=wearer, name="Never told", phone="+998971111111"))
        desk = session.scalars(select(User.id).where(User.id != wearer)).one()
        service.resolve(session, incident, by=desk, outcome=Outcome.ASSISTED, at=at)
    settle(database, at)
    settle(database, at + SECOND)
    ends = [told for told in messages(database) if told[0] == "sos.guardian_over"]
    assert ends == [("sos.guardian_over", None, contact.id)]


def speak(database: Database, token: str, words: Words, at: datetime) -> None:
    with database.transaction() as session:
        link = guardians.find_link(session, token)
        assert link is not None
        guardians.speak(session, link, words=words, at=at)


def test_a_guardian_who_says_that_help_is_needed_raises_the_level_at_once(
    database: Database, told: tuple[uuid.UUID, Contact, str]
) -> None:
    incident_id, contact, token = told
    speak(database, token, Words.NEEDS_HELP, NOON + 70 * SECOND)
    settle(database, NOON + 70 * SECOND)
    assert levels(database, incident_id)[-1] == 3
    [spoke] = lines(database, incident_id, "guardian_spoke")
    assert (spoke.detail["words"], spoke.detail["name"]) == ("needs_help", contact.name)
    assert guardians.is_genuine(spoke.detail)
    assert not guardians.is_genuine(spoke.detail | {"words": "fine"})
    assert not guardians.is_genuine({})


def test_a_guardian_who_says_that_all_is_well_resolves_nothing(
    database: Database, told: tuple[uuid.UUID, Contact, str]
) -> None:
    incident_id, _, token = told
    speak(database, token, Words.FINE, NOON + 70 * SECOND)
    settle(database, NOON + 70 * SECOND)
    assert levels(database, incident_id)[-1] == 2
    with database.transaction() as session:
        assert session.get_one(Incident, incident_id).state == "active"
    settle(database, NOON + 120 * SECOND)
    assert levels(database, incident_id)[-1] == 3


def test_that_help_is_needed_does_not_wake_people_whom_somebody_has_already_answered_for(
    database: Database, told: tuple[uuid.UUID, Contact, str]
) -> None:
    incident_id, _, token = told
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        service.acknowledge(session, incident_id, by=desk.id, at=NOON + 61 * SECOND)
    speak(database, token, Words.NEEDS_HELP, NOON + 70 * SECOND)
    settle(database, NOON + 70 * SECOND)
    assert levels(database, incident_id)[-1] == 2
    assert len(lines(database, incident_id, "guardian_spoke")) == 1


def test_a_guardian_told_again_has_the_same_link(
    database: Database, told: tuple[uuid.UUID, Contact, str]
) -> None:
    incident_id, _, token = told
    with database.transaction() as session:
        incident = session.get_one(Incident, incident_id)
        again = guardians.tell(session, incident, key="again", at=NOON + HOUR)
        assert len(again.reached) == 1
        assert guardians.find_link(session, token) is not None
        assert guardians.find_link(session, token + "x") is None
    assert len([text for text, *_ in messages(database) if text == "sos.guardian"]) == 2


def test_hastening_begins_with_the_step_that_was_not_taken_yet(database: Database) -> None:
    make_user(database, Role.ADMIN)
    reported = report(database, make_device(database))
    with database.transaction() as session:
        escalation.hasten(session, session.get_one(Incident, reported.incident_id), at=NOON)
    settle(database, NOON)
    assert levels(database, reported.incident_id)[:2] == [0, 1]


def test_what_is_over_asks_nobody(database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    reported = report(database, make_device(database))
    settle(database, NOON)
    with database.transaction() as session:
        service.resolve(session, reported.incident_id, by=desk.id, outcome=Outcome.ASSISTED, at=NOON)
    settle(database, NOON + HOUR)
    assert levels(database, reported.incident_id) == [0]
