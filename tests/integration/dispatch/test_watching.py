"""The device of an open call: told to report, followed, missed when silent; on a real database."""

import uuid
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select

from db import telemetry
from db.models import (
    Device,
    DeviceCommand,
    Incident,
    IncidentEvent,
    Notification,
    Timer,
)
from db.samples import Batch, PositionRow, PresenceRow
from db.session import Database
from db.states import Clock, IncidentState, Outcome, PositionSource, Presence, Role, WorkStatus
from dispatch import relay
from dispatch.sos import cancelling, desk, service, watching
from notifier.channels import topic
from tests.builders import NOON, TASHKENT, incident_of, make_device, make_user, report
from tests.maps import METRE, make_region, ring

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def device(database: Database) -> Device:
    return make_device(database, make_user(database))


def settle(database: Database, at: datetime) -> None:
    """Let the relay react until nothing is due."""
    while relay.turn(database, at=at):
        pass


def open_call(database: Database, device: Device, at: datetime = NOON, **said: Any) -> uuid.UUID:
    reported = report(database, device, at=at, **said)
    settle(database, at)
    return reported.incident_id


def end_call(database: Database, incident_id: uuid.UUID, at: datetime) -> None:
    by = make_user(database, Role.DISPATCHER).id
    with database.transaction() as session:
        service.resolve(session, incident_id, by=by, outcome=Outcome.ASSISTED, at=at)


def move(database: Database, device: Device, at: datetime, north_m: float, **said: Any) -> None:
    """A fix that arrives as it is taken."""
    seq = round((at - NOON).total_seconds())
    lat, lon = TASHKENT["lat"] + north_m * METRE, TASHKENT["lon"]
    accuracy_m, battery_pct = said.get("accuracy_m", 8.0), said.get("battery_pct")
    row = PositionRow(
        *(device.id, at, seq, at, Clock.DEVICE, battery_pct, lat, lon, None, accuracy_m, None, None)
    )
    with database.transaction() as session:
        telemetry.store(session, Batch(positions=[row]), lane="test")


def say(database: Database, device: Device, presence: Presence, at: datetime) -> None:
    row = PresenceRow(device.id, at, None, presence, None, None, None)
    with database.transaction() as session:
        telemetry.store(session, Batch(presences=[row]), lane="test")


def look(database: Database, at: datetime) -> None:
    relay.look_at_people(database, at=at)


def orders(database: Database) -> list[tuple[int | None, int | None]]:
    """What devices were told: every so many seconds, for so many."""
    with database.transaction() as session:
        asked = session.scalars(select(DeviceCommand).order_by(DeviceCommand.id)).all()
        assert all(command.asked_by_id is None for command in asked)
        return [(command.every_s, command.span_s) for command in asked]


def lines(database: Database, incident_id: uuid.UUID) -> list[str]:
    with database.transaction() as session:
        kinds = select(IncidentEvent.kind).where(
            IncidentEvent.incident_id == incident_id, IncidentEvent.kind.not_in(("asked", "escalated"))
        )
        return list(session.scalars(kinds.order_by(IncidentEvent.id)))


def alerts_asked(database: Database) -> int:
    with database.transaction() as session:
        asked = select(func.count()).where(Notification.kind == "alert")
        return session.scalar(asked) or 0


def get(database: Database, incident_id: uuid.UUID) -> Incident:
    with database.transaction() as session:
        return session.get_one(Incident, incident_id)


FAST, SLOW, AS_BEFORE = (5, 600), (60, 3600), (None, None)


def test_a_device_reports_often_for_ten_minutes_then_each_minute_and_as_before_in_the_end(
    database: Database, device: Device
) -> None:
    incident = open_call(database, device)
    assert orders(database) == [FAST]
    settle(database, NOON + 10 * MINUTE - SECOND)
    assert orders(database) == [FAST]
    settle(database, NOON + 10 * MINUTE)
    assert orders(database) == [FAST, SLOW]
    settle(database, NOON + 65 * MINUTE)
    assert orders(database) == [FAST, SLOW, SLOW]
    end_call(database, incident, NOON + 70 * MINUTE)
    settle(database, NOON + 70 * MINUTE)
    settle(database, NOON + 200 * MINUTE)
    assert orders(database) == [FAST, SLOW, SLOW, AS_BEFORE]


def test_each_order_is_renewed_before_it_runs_out(database: Database, device: Device) -> None:
    open_call(database, device)
    for minutes in range(1, 300):
        settle(database, NOON + minutes * MINUTE)
    with database.transaction() as session:
        asked = session.scalars(select(DeviceCommand).order_by(DeviceCommand.id)).all()
    assert len(asked) > 4
    for earlier, later in pairwise(asked):
        assert later.asked_at <= earlier.asked_at + timedelta(seconds=earlier.span_s or 0)


def test_what_the_device_is_told_fits_the_contract(database: Database, device: Device) -> None:
    incident = open_call(database, device)
    end_call(database, incident, NOON + MINUTE)
    settle(database, NOON + MINUTE)
    with database.transaction() as session:
        asked = session.scalars(select(DeviceCommand).order_by(DeviceCommand.id)).all()
        told = [topic.command(session, command.uuid).payload.decode() for command in asked]
    began = round(NOON.timestamp())
    assert told == [
        f'{{"id":"c{asked[0].id}","do":"report","until":{began + 600},"every":5,"span":600}}',
        f'{{"id":"c{asked[1].id}","do":"report","until":{began + 60 + 3600}}}',
    ]


def test_facts_that_come_again_and_presses_that_join_order_nothing_twice(
    database: Database, device: Device
) -> None:
    incident = open_call(database, device)
    for _ in range(2):
        with database.transaction() as session:
            watching.begin(session, incident, at=NOON + SECOND)
    report(database, device, at=NOON + 2 * SECOND)
    settle(database, NOON + 2 * SECOND)
    assert orders(database) == [FAST]
    end_call(database, incident, NOON + MINUTE)
    settle(database, NOON + MINUTE)
    with database.transaction() as session:
        watching.end(session, incident, at=NOON + MINUTE)
    assert orders(database) == [FAST, AS_BEFORE]


def test_a_press_into_the_slow_time_makes_it_fast_again(database: Database, device: Device) -> None:
    open_call(database, device)
    settle(database, NOON + 11 * MINUTE)
    report(database, device, at=NOON + 12 * MINUTE)
    settle(database, NOON + 12 * MINUTE)
    assert orders(database) == [FAST, SLOW, FAST]


def test_a_countdown_orders_nothing_until_it_ends(database: Database, device: Device) -> None:
    report(database, device, hold_s=15)
    settle(database, NOON)
    assert orders(database) == []
    settle(database, NOON + 15 * SECOND)
    assert orders(database) == [FAST]


def test_a_countdown_that_is_cancelled_leaves_the_device_alone(database: Database, device: Device) -> None:
    report(database, device, hold_s=15, frame_id="a")
    with database.transaction() as session:
        cancelling.cancel(session, device.id, frame_id="a", at=NOON + SECOND)
    settle(database, NOON + MINUTE)
    assert orders(database) == []


def test_who_is_reopened_reports_often_again(database: Database, device: Device) -> None:
    incident = open_call(database, device)
    settle(database, NOON + 11 * MINUTE)
    end_call(database, incident, NOON + 12 * MINUTE)
    settle(database, NOON + 12 * MINUTE)
    with database.transaction() as session:
        desk.reopen(
            session,
            incident,
            by=make_user(database, Role.DISPATCHER).id,
            why="a mistake",
            at=NOON + 13 * MINUTE,
        )
    settle(database, NOON + 13 * MINUTE)
    assert orders(database) == [FAST, SLOW, AS_BEFORE, FAST]


def test_an_end_that_is_heard_of_late_does_not_silence_the_next_call(
    database: Database, device: Device
) -> None:
    first = open_call(database, device)
    end_call(database, first, NOON + MINUTE)
    report(database, device, at=NOON + 2 * MINUTE)
    with database.transaction() as session:
        watching.end(session, first, at=NOON + 2 * MINUTE)
    settle(database, NOON + 2 * MINUTE)
    assert orders(database) == [FAST, FAST]
    settle(database, NOON + 12 * MINUTE)
    assert orders(database) == [FAST, FAST, SLOW]


def test_a_canary_is_neither_told_nor_missed(database: Database, device: Device) -> None:
    reported = report(database, device)
    with database.transaction() as session:
        session.get_one(Incident, reported.incident_id).canary = True
    settle(database, NOON)
    look(database, NOON + 20 * MINUTE)
    assert orders(database) == []
    assert not incident_of(database, reported).signal_lost


def test_the_place_follows_the_device_without_a_line_on_the_timeline(
    database: Database, device: Device
) -> None:
    incident = open_call(database, device, **TASHKENT, accuracy_m=50, battery_pct=40)
    before, asked = get(database, incident), alerts_asked(database)
    move(database, device, NOON + 5 * SECOND, 100, battery_pct=39)
    look(database, NOON + 6 * SECOND)
    now = get(database, incident)
    assert now.lat == pytest.approx(TASHKENT["lat"] + 100 * METRE)
    assert (now.accuracy_m, now.battery_pct, now.position_source) == (8.0, 39, PositionSource.TRACK)
    assert now.position_at == NOON + 5 * SECOND
    assert now.revision == before.revision + 1
    assert alerts_asked(database) == asked + 1
    assert lines(database, incident) == ["opened"]
    look(database, NOON + 7 * SECOND)
    assert alerts_asked(database) == asked + 1


def test_a_device_that_reports_each_second_is_shown_each_few_and_one_that_rests_each_thirty(
    database: Database, device: Device
) -> None:
    open_call(database, device, **TASHKENT)
    asked = alerts_asked(database)
    for second in range(1, 61):
        move(database, device, NOON + second * SECOND, 20.0 * second)
        look(database, NOON + second * SECOND)
    assert alerts_asked(database) - asked == 15
    for second in range(61, 122):
        move(database, device, NOON + second * SECOND, 1200.0)
        look(database, NOON + second * SECOND)
    assert alerts_asked(database) - asked == 17


def test_a_call_without_a_place_gets_its_first_and_stays_with_those_who_look_after_it(
    database: Database, device: Device
) -> None:
    make_region(database, "tashkent", [[ring()]])
    incident = open_call(database, device)
    move(database, device, NOON + SECOND, 0)
    look(database, NOON + 2 * SECOND)
    now = get(database, incident)
    assert now.lat == pytest.approx(TASHKENT["lat"])
    assert now.region == "default"


def test_what_is_over_or_only_counts_down_does_not_follow(database: Database, device: Device) -> None:
    incident = open_call(database, device, **TASHKENT)
    end_call(database, incident, NOON + SECOND)
    held = make_device(database)
    counting = open_call(database, held, **TASHKENT, hold_s=60)
    for each in (device, held):
        move(database, each, NOON + 10 * SECOND, 500)
    look(database, NOON + 11 * SECOND)
    assert get(database, incident).lat == TASHKENT["lat"]
    assert get(database, counting).lat == TASHKENT["lat"]


def test_who_falls_silent_is_missed_with_the_last_that_is_known_and_found_again(
    database: Database, device: Device
) -> None:
    incident = open_call(database, device, **TASHKENT)
    move(database, device, NOON + 5 * SECOND, 100, accuracy_m=12.0, battery_pct=7)
    look(database, NOON + 35 * SECOND)
    assert not get(database, incident).signal_lost
    look(database, NOON + 36 * SECOND)
    look(database, NOON + 37 * SECOND)
    assert get(database, incident).signal_lost
    assert lines(database, incident) == ["opened", "signal_lost"]
    with database.transaction() as session:
        lost = session.scalars(select(IncidentEvent).where(IncidentEvent.kind == "signal_lost")).one()
        assert lost.detail["why"] == "silent"
        assert lost.detail["lat"] == pytest.approx(TASHKENT["lat"] + 100 * METRE)
        assert (lost.detail["accuracy_m"], lost.detail["battery_pct"]) == (12.0, 7)
        assert lost.detail["fix_age_s"] == 31
        shown = topic.alert(session, incident).payload
    assert b'"signal_lost":true' in shown

    move(database, device, NOON + 50 * SECOND, 100)
    look(database, NOON + 51 * SECOND)
    now = get(database, incident)
    assert (now.signal_lost, now.state) == (False, IncidentState.ACTIVE)
    assert lines(database, incident) == ["opened", "signal_lost", "signal_found"]


def test_who_reports_each_minute_may_be_silent_for_three(database: Database, device: Device) -> None:
    incident = open_call(database, device)
    settle(database, NOON + 10 * MINUTE)
    move(database, device, NOON + 10 * MINUTE, 0)
    look(database, NOON + 13 * MINUTE)
    assert not get(database, incident).signal_lost
    look(database, NOON + 13 * MINUTE + SECOND)
    assert get(database, incident).signal_lost


def test_a_will_is_believed_at_once_and_nothing_ends_by_it(database: Database, device: Device) -> None:
    incident = open_call(database, device, **TASHKENT)
    say(database, device, Presence.OFFLINE, NOON + 3 * SECOND)
    look(database, NOON + 4 * SECOND)
    now = get(database, incident)
    assert (now.signal_lost, now.state) == (True, IncidentState.ACTIVE)
    with database.transaction() as session:
        waiting = select(Timer.kind).where(Timer.status == WorkStatus.WAITING, Timer.subject == incident)
        assert session.scalars(waiting).all() == ["escalation"]
    say(database, device, Presence.ONLINE, NOON + 6 * SECOND)
    look(database, NOON + 7 * SECOND)
    assert lines(database, incident) == ["opened", "signal_lost", "signal_found"]


def test_a_press_of_a_lost_device_is_a_sign_of_it(database: Database, device: Device) -> None:
    incident = open_call(database, device)
    look(database, NOON + MINUTE)
    assert get(database, incident).signal_lost
    report(database, device, at=NOON + MINUTE + SECOND)
    look(database, NOON + MINUTE + 2 * SECOND)
    assert not get(database, incident).signal_lost


def test_without_an_open_call_a_look_writes_nothing(database: Database, device: Device) -> None:
    move(database, device, NOON, 0)
    with database.transaction() as session:
        assert watching.look(session, at=NOON + 60 * MINUTE) == []


def test_one_who_cannot_be_looked_at_keeps_no_other_waiting(
    database: Database, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = open_call(database, device), open_call(database, make_device(database))
    broken = min(first, second)
    take = watching.take

    def fail_for_one(session: Any, sight: watching.Sight, *, at: datetime) -> None:
        if sight.incident_id == broken:
            raise ValueError("broken")
        take(session, sight, at=at)

    monkeypatch.setattr(watching, "take", fail_for_one)
    look(database, NOON + MINUTE)
    assert not get(database, broken).signal_lost
    assert get(database, max(first, second)).signal_lost
