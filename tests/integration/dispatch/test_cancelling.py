"""A call taken back: with a pin, without one, with a wrong one, and by force."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.models import Device, Incident, Pin, User
from db.session import Database
from db.states import IncidentState, Outcome, Role
from dispatch.sos import cancelling, pins, rules, service
from dispatch.sos.cancelling import Cancelled
from tests.builders import NOON, incident_of, make_device, make_user, report, set_pins
from tests.integration.dispatch.stories import detail, settle, timeline, told, waiting

SECOND = timedelta(seconds=1)


@pytest.fixture
def wearer(database: Database) -> User:
    user = make_user(database)
    set_pins(database, user)
    return user


@pytest.fixture
def watch(database: Database, wearer: User) -> Device:
    return make_device(database, wearer)


def cancel(
    database: Database, watch: Device, pin: str | None = None, at: datetime = NOON, frame_id: str = "7f3a"
) -> Cancelled:
    with database.transaction() as session:
        return cancelling.cancel(session, watch.id, frame_id=frame_id, pin=pin, at=at)


@pytest.mark.parametrize("hold_s", [None, 15])
def test_the_right_pin_ends_the_call(database: Database, watch: Device, hold_s: int | None) -> None:
    reported = report(database, watch, frame_id="7f3a", hold_s=hold_s)
    for _ in range(2):
        assert cancel(database, watch, "4711") == Cancelled(reported.incident_id)
    incident = incident_of(database, reported)
    assert (incident.state, incident.outcome) == (IncidentState.RESOLVED, Outcome.CANCELLED)
    assert (incident.duress, incident.shown) == (False, None)
    assert timeline(database, reported.incident_id) == ["opened", "resolved"]
    assert waiting(database, reported.incident_id) == {}


def test_the_right_pin_ends_what_a_dispatcher_looks_after(database: Database, watch: Device) -> None:
    reported = report(database, watch)
    with database.transaction() as session:
        desk = make_user(database, Role.DISPATCHER)
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON)
    cancel(database, watch, "4711")
    assert incident_of(database, reported).outcome == Outcome.CANCELLED


@pytest.mark.parametrize(("said", "answer"), [("1234", "wrong pin"), (None, "pin needed")])
@pytest.mark.parametrize("hold_s", [None, 15])
def test_without_the_right_pin_the_call_goes_on(
    database: Database, watch: Device, hold_s: int | None, said: str | None, answer: str
) -> None:
    reported = report(database, watch, hold_s=hold_s)
    for _ in range(3):  # both workers, and the watch sends it again: one try
        assert cancel(database, watch, said).refused == answer
    assert incident_of(database, reported).state != IncidentState.RESOLVED
    assert timeline(database, reported.incident_id) == ["opened", "cancel_refused"]
    assert detail(database, reported.incident_id, "cancel_refused") == {"why": answer}
    with database.transaction() as session:
        assert session.scalars(select(Pin.wrong)).one() == (0 if said is None else 1)


def test_after_many_wrong_pins_none_is_looked_at_for_a_minute_and_a_call_waits_for_nothing(
    database: Database, watch: Device, wearer: User
) -> None:
    reported = report(database, watch)
    for number in range(rules.MOST_WRONG_PINS):
        assert cancel(database, watch, f"000{number}").refused == "wrong pin"
    for right in ("4711", "9999"):
        assert str(cancel(database, watch, right).refused).startswith("too many wrong pins")
    assert incident_of(database, reported).duress is False
    other = make_device(database, wearer)
    assert report(database, other).created
    assert not report(database, watch).created
    assert cancel(database, watch, "5555", NOON + rules.PIN_PAUSE).refused == "wrong pin"
    assert cancel(database, watch, "4711", NOON + 2 * rules.PIN_PAUSE - SECOND).refused
    assert cancel(database, watch, "4711", NOON + 2 * rules.PIN_PAUSE) == Cancelled(reported.incident_id)
    with database.transaction() as session:
        assert session.scalars(select(Pin.wrong)).one() == 0


def test_a_pin_is_kept_as_nobody_can_read_it(database: Database, wearer: User) -> None:
    twin = make_user(database)
    set_pins(database, twin)
    with database.transaction() as session:
        first, second = session.scalars(select(Pin)).all()
    hashes = {first.pin_hash, first.duress_hash, second.pin_hash, second.duress_hash}
    assert len(hashes) == 4
    assert not any(pin in str(each) for each in hashes for pin in ("4711", "9999"))


def test_new_pins_take_the_place_of_the_old_ones_and_their_wrong_tries(
    database: Database, watch: Device, wearer: User
) -> None:
    reported = report(database, watch)
    for number in range(rules.MOST_WRONG_PINS):
        cancel(database, watch, f"000{number}")
    set_pins(database, wearer, "24680", None)
    assert cancel(database, watch, "4711").refused == "wrong pin"
    assert cancel(database, watch, "24680") == Cancelled(reported.incident_id)


def test_a_forgotten_pin_is_asked_for_no_more(database: Database, watch: Device, wearer: User) -> None:
    reported = report(database, watch)
    with database.transaction() as session:
        pins.forget(session, wearer.id)
    assert cancel(database, watch) == Cancelled(reported.incident_id)
    assert incident_of(database, reported).cancel_asked_at == NOON


def test_a_cancel_without_a_call_is_told_so(database: Database, watch: Device) -> None:
    assert cancel(database, watch, "4711").refused == "no SOS to cancel"


def test_both_workers_say_the_same_of_a_call_that_came_another_way(database: Database, watch: Device) -> None:
    reported = report(database, watch, frame_id="from-the-app", via="http")
    assert cancel(database, watch, "4711", frame_id="c1") == Cancelled(reported.incident_id)
    assert cancel(database, watch, "4711", frame_id="c1") == Cancelled(reported.incident_id)


SCREEN: tuple[dict[str, Any], ...] = ({}, {"hold_s": 15})


@pytest.mark.parametrize("said", SCREEN)
def test_a_duress_pin_is_answered_as_the_right_one_and_calls_for_more_help(
    database: Database, watch: Device, said: dict[str, Any]
) -> None:
    make_user(database, Role.DISPATCHER)  # a step that reaches nobody is not waited for
    reported = report(database, watch, frame_id="7f3a", severity=2, **said)
    settle(database, NOON)
    before = told(database, reported)
    for _ in range(3):
        assert cancel(database, watch, "9999", NOON + SECOND) == Cancelled(reported.incident_id)
    incident = incident_of(database, reported)
    assert (incident.state, incident.duress, incident.severity) == (IncidentState.ACTIVE, True, 5)
    assert incident.shown is not None
    assert (incident.shown["state"], incident.shown["outcome"]) == ("resolved", "cancelled")
    assert waiting(database, reported.incident_id) == {"escalation": NOON + SECOND}
    settle(database, NOON + SECOND)
    assert incident_of(database, reported).level == 1
    assert told(database, reported) == before + 1


def test_what_goes_on_unseen_is_never_told_to_the_watch(database: Database, watch: Device) -> None:
    reported = report(database, watch)
    cancel(database, watch, "9999")
    settle(database, NOON)
    before = told(database, reported)
    desk = make_user(database, Role.DISPATCHER)
    settle(database, NOON + 60 * SECOND)
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON + 61 * SECOND)
    settle(database, NOON + 61 * SECOND)
    with database.transaction() as session:
        service.resolve(
            session, reported.incident_id, by=desk.id, outcome=Outcome.HANDED_OVER, at=NOON + 62 * SECOND
        )
    settle(database, NOON + 62 * SECOND)
    assert told(database, reported) == before


def test_while_it_goes_on_unseen_every_other_pin_is_answered_as_after_an_end(
    database: Database, watch: Device
) -> None:
    reported = report(database, watch, frame_id="7f3a")
    cancel(database, watch, "9999")
    for pin in ("9999", "4711", "0000", None):
        assert cancel(database, watch, pin) == Cancelled(reported.incident_id)
    assert incident_of(database, reported).duress is True
    assert timeline(database, reported.incident_id) == ["opened", "cancelled_under_duress"]


def test_a_press_after_a_duress_pin_joins_and_is_answered_as_a_new_call(
    database: Database, watch: Device
) -> None:
    reported = report(database, watch, frame_id="1", device_at=NOON)
    cancel(database, watch, "9999")
    # The same id at another time: the watch counts from one again.
    again = report(database, watch, at=NOON + 60 * SECOND, frame_id="1", device_at=NOON + 60 * SECOND)
    assert (again.incident_id, again.created, again.repeated) == (reported.incident_id, True, False)
    resent = report(database, watch, at=NOON + 61 * SECOND, frame_id="1", device_at=NOON + 60 * SECOND)
    assert (resent.created, resent.repeated) == (True, True)
    incident = incident_of(database, reported)
    assert (incident.duress, incident.shown, incident.reports) == (True, None, 2)
    settle(database, NOON + 61 * SECOND)
    assert cancel(database, watch, "4711", NOON + 62 * SECOND) == Cancelled(reported.incident_id)
    assert incident_of(database, reported).state == IncidentState.RESOLVED


def test_the_screen_stays_as_it_was_when_the_end_was_shown(database: Database, watch: Device) -> None:
    reported = report(database, watch, severity=3, battery_pct=80)
    revision = incident_of(database, reported).revision
    cancel(database, watch, "9999")
    settle(database, NOON + 300 * SECOND)
    with database.transaction() as session:
        shown = session.get_one(Incident, reported.incident_id).shown
    assert shown is not None
    assert {name: shown[name] for name in ("severity", "battery_pct", "level", "revision", "reports")} == {
        "severity": 3,
        "battery_pct": 80,
        "level": 0,
        "revision": revision + 1,
        "reports": 1,
    }
