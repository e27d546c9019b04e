"""Devices move, and it is written down when they cross a fence: once, in order, and never falsely."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from db import telemetry
from db.models import Device, Fact, Geofence, GeofenceEvent, GeofenceWatch
from db.samples import Batch, PositionRow
from db.session import Database
from db.states import Clock
from dispatch import relay
from dispatch.errors import Conflict, WrongFields
from dispatch.geofences import service, watch
from dispatch.geofences.rules import MOST_FENCES
from dispatch.geofences.service import Circle, Draft
from dispatch.shapes import Shape
from ops.places import CHECKOUT
from tests.builders import NOON, TASHKENT, make_device, make_user
from tests.maps import METRE, make_fence, ring
from tests.servers import eventually, usual

HERE, THERE = 0.0, 1000.0
"""In metres north of the middle of the fence."""


@pytest.fixture
def device(database: Database) -> Device:
    return make_device(database, make_user(database))


def fix(device: Device, second: int, north_m: float, accuracy_m: float | None = 8.0) -> PositionRow:
    at = NOON + timedelta(seconds=second)
    lat, lon = TASHKENT["lat"] + north_m * METRE, TASHKENT["lon"]
    return PositionRow(device.id, at, second, at, Clock.DEVICE, None, lat, lon, None, accuracy_m, None, None)


def store(database: Database, *fixes: PositionRow) -> None:
    with database.transaction() as session:
        telemetry.store(session, Batch(positions=list(fixes)), lane="test")


def look(database: Database) -> None:
    while relay.look_at_fences(database, at=NOON):
        pass


def told(database: Database) -> list[tuple[str, int]]:
    """The crossings in the order in which they were told, with their seconds."""
    with database.transaction() as session:
        events = session.scalars(select(GeofenceEvent).order_by(GeofenceEvent.id)).all()
        return [(event.kind.value, round((event.at - NOON).total_seconds())) for event in events]


def facts(database: Database) -> list[tuple[str, UUID]]:
    with database.transaction() as session:
        return [(fact.kind, fact.subject) for fact in session.scalars(select(Fact).order_by(Fact.id))]


def walk(database: Database, device: Device, *north_m: float, first: int = 0) -> None:
    """Move, with a look after each step."""
    for second, place in enumerate(north_m, first):
        store(database, fix(device, second, place))
        look(database)


def test_who_comes_and_goes_is_told_once_each_as_row_and_fact(database: Database, device: Device) -> None:
    fence = make_fence(database, device)
    walk(database, device, THERE, HERE, HERE, HERE, THERE, THERE)
    look(database)
    assert told(database) == [("entered", 1), ("left", 4)]
    assert facts(database) == [("geofence.entered", fence), ("geofence.left", fence)]
    assert relay.turn(database, at=NOON)
    with database.transaction() as session:
        assert set(session.scalars(select(Fact.status))) == {"done"}


def test_where_a_device_is_when_its_fence_goes_up_is_no_crossing(database: Database, device: Device) -> None:
    store(database, fix(device, 0, HERE))
    make_fence(database, device)
    look(database)
    assert told(database) == []
    walk(database, device, THERE, THERE, first=1)
    assert told(database) == [("left", 1)]


def test_a_buffered_batch_tells_what_happened_meanwhile_in_order(database: Database, device: Device) -> None:
    make_fence(database, device)
    walk(database, device, THERE)
    journey = [HERE, HERE, THERE, THERE, HERE, HERE]
    store(database, *(fix(device, second, place) for second, place in enumerate(journey, 1)))
    look(database)
    assert told(database) == [("entered", 1), ("left", 3), ("entered", 5)]


def test_samples_that_come_late_change_nothing(database: Database, device: Device) -> None:
    make_fence(database, device)
    walk(database, device, HERE)
    store(database, fix(device, 100, HERE))
    look(database)
    store(database, fix(device, 50, THERE), fix(device, 51, THERE), fix(device, 52, THERE))
    look(database)
    walk(database, device, HERE, first=101)
    assert told(database) == []


def test_a_long_batch_is_judged_in_several_looks_and_nothing_is_left_out(
    database: Database, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MOST_FIXES", 3)
    make_fence(database, device)
    walk(database, device, THERE)
    journey = [HERE, HERE, THERE, THERE, HERE, HERE, THERE, THERE]
    store(database, *(fix(device, second, place) for second, place in enumerate(journey, 1)))
    look(database)
    assert told(database) == [("entered", 1), ("left", 3), ("entered", 5), ("left", 7)]


def test_a_look_that_dies_tells_nothing_and_the_next_tells_it_once(
    database: Database, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_fence(database, device)
    walk(database, device, THERE)
    store(database, fix(device, 1, HERE), fix(device, 2, HERE))
    with monkeypatch.context() as dying:

        def die(*_: object, **__: object) -> None:
            raise RuntimeError("killed")

        dying.setattr("db.outbox.append", die)
        look(database)
    assert (told(database), facts(database)) == ([], [])
    look(database)
    assert told(database) == [("entered", 1)]


def test_two_who_look_at_once_do_not_tell_it_twice(database: Database, device: Device) -> None:
    make_fence(database, device)
    walk(database, device, THERE)
    store(database, fix(device, 1, HERE), fix(device, 2, HERE))
    with database.transaction() as one:
        watch.look(one, at=NOON)
        with database.transaction() as other:
            assert watch.look(other, at=NOON) is False
    look(database)
    assert told(database) == [("entered", 1)]


def test_a_fence_on_all_devices_of_a_person_follows_who_owns_them(database: Database, device: Device) -> None:
    make_fence(database, device, every_device=True)
    stranger = make_device(database, make_user(database))
    walk(database, stranger, THERE, HERE, HERE)
    walk(database, device, THERE, HERE, HERE)
    assert len(told(database)) == 1
    with database.transaction() as session:
        session.get_one(Device, device.id).owner_id = stranger.owner_id
    walk(database, device, THERE, THERE, first=10)
    assert len(told(database)) == 1


def test_a_fence_on_a_device_that_was_sold_tells_nothing_more(database: Database, device: Device) -> None:
    make_fence(database, device)
    walk(database, device, THERE)
    with database.transaction() as session:
        session.get_one(Device, device.id).owner_id = make_user(database).id
    walk(database, device, HERE, HERE, first=1)
    assert told(database) == []


def test_a_fence_that_was_moved_or_off_begins_anew(database: Database, device: Device) -> None:
    fence = make_fence(database, device)
    walk(database, device, HERE)
    for active in (False, True):
        draft = Draft("School", active, device.id, None, Circle(**TASHKENT, radius_m=100.0))
        with database.transaction() as session:
            service.replace(session, fence, draft, kept_by=Geofence.owner_id == device.owner_id)
        walk(database, device, THERE, THERE, first=1 + 2 * active)
    assert told(database) == []


def test_a_fence_may_be_removed_while_somebody_looks(database: Database, device: Device) -> None:
    fence = make_fence(database, device)
    walk(database, device, THERE)
    store(database, fix(device, 1, HERE), fix(device, 2, HERE))
    with database.transaction() as session:
        service.remove(session, fence, kept_by=Geofence.owner_id == device.owner_id)
        with database.transaction() as looking:
            assert watch.look(looking, at=NOON) is False
    look(database)
    assert facts(database) == []


def test_the_dispatch_process_looks_by_itself(database: Database, device: Device) -> None:
    make_fence(database, device)
    walk(database, device, THERE)
    store(database, fix(device, 1, HERE), fix(device, 2, HERE))
    command = [sys.executable, "-m", "dispatch.relay"]
    environment = os.environ | {"MAYDAY_DATABASE_URL": database.url}
    with subprocess.Popen(command, env=environment, cwd=CHECKOUT, stdout=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: told(database) == [("entered", 1)], "the crossing to be told")
            store(database, fix(device, 3, THERE), fix(device, 4, THERE))
            eventually(lambda: told(database)[1:] == [("left", 3)], "the next one to be told")
        finally:
            process.terminate()


POLYGON: Shape = [[ring(TASHKENT["lon"] - 0.003, TASHKENT["lat"] - 0.003, 0.006)]]


def test_a_polygon_is_crossed_like_a_circle(database: Database, device: Device) -> None:
    make_fence(database, device, POLYGON)
    with database.transaction() as session:
        assert session.scalars(select(Geofence.depth_m)).one() == pytest.approx(251, abs=5)
    walk(database, device, THERE, HERE, HERE, THERE, THERE)
    assert told(database) == [("entered", 1), ("left", 3)]


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ([[[(69, 41), (69.1, 41), (69.1, 41.00001), (69, 41.00001), (69, 41)]]], "too narrow"),
        ([[[(69, 41), (70, 42), (70, 41), (69, 42), (69, 41)]]], "Self-intersection"),
    ],
)
def test_a_fence_that_cannot_work_is_refused(
    database: Database, device: Device, shape: Shape, said: str
) -> None:
    with pytest.raises(WrongFields) as refused:
        make_fence(database, device, shape)
    assert said in refused.value.wrong[0]["message"]


def test_nobody_puts_up_fences_without_end(database: Database, device: Device) -> None:
    for _ in range(MOST_FENCES):
        make_fence(database, device)
    with pytest.raises(Conflict):
        make_fence(database, device)


@pytest.mark.alone
def test_a_thousand_fenced_devices_among_many_cost_little(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO users (uuid, full_name, status) VALUES (gen_random_uuid(), 'A', 'active')")
        )
        session.execute(
            text(
                "INSERT INTO devices (uuid, uid, kind, model, owner_id) SELECT gen_random_uuid(), 'w-' || n,"
                " 'watch', '', (SELECT id FROM users) FROM generate_series(1, 5000) n"
            )
        )
        session.execute(
            text(
                "INSERT INTO geofences (uuid, owner_id, name, active, device_id, lat, lon, radius_m, depth_m)"
                " SELECT gen_random_uuid(), owner_id, 'f', true, id, 41.311081, 69.240562, 200, 200"
                " FROM devices ORDER BY id LIMIT 1000"
            )
        )
        devices = list(session.scalars(select(Device).order_by(Device.id)))
    store(database, *(fix(device, 0, THERE) for device in devices))
    look(database)
    with database.transaction() as session:
        session.execute(text("ANALYZE"))
    store(database, *(fix(device, second, HERE) for device in devices for second in (1, 2)))

    def look_s() -> float:
        began = time.perf_counter()
        look(database)
        return time.perf_counter() - began

    assert look_s() < 5  # all cross; a third of a second where nothing else runs
    assert usual(look_s) < 0.5  # none moves
    assert len(told(database)) == 1000
    with database.transaction() as session:
        assert len(session.scalars(select(GeofenceWatch.device_id)).all()) == 1000
