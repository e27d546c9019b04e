"""Samples in bulk, on a real database: stored once however often they come, the newest kept at hand."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from db import telemetry
from db.models import Device, DeviceLast, Position, QuarantinedFrame, Vitals
from db.samples import Batch, PositionRow, PresenceRow, RefusedRow, VitalsRow
from db.session import Database
from db.states import Clock, Presence
from tests.builders import make_device

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def device(database: Database) -> Device:
    return make_device(database)


def fix(device: Device, seq: int = 1, *, at: datetime = NOON, **said: Any) -> PositionRow:
    row = PositionRow(device.id, at, seq, at, Clock.DEVICE, None, 41.3, 69.2, None, 8.0, None, None)
    return row._replace(**said)


def body(device: Device, seq: int = 1, *, at: datetime = NOON, **said: Any) -> VitalsRow:
    return VitalsRow(device.id, at, seq, at, Clock.DEVICE, None, 72, 97, 36.6, 100, True)._replace(**said)


def presence(device: Device, word: str, *, at: datetime = NOON, boot: int | None = None) -> PresenceRow:
    return PresenceRow(device.id, at, None, Presence(word), boot, None, None)


def store(database: Database, *positions: PositionRow, **others: Any) -> None:
    with database.transaction() as session:
        telemetry.store(session, Batch(positions=list(positions), **others), lane="test")


def count(database: Database, kind: Any) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(kind)) or 0


@contextmanager
def last(database: Database, device: Device) -> Iterator[DeviceLast]:
    with database.transaction() as session:
        found = telemetry.find_last(session, device.id)
        assert found is not None
        yield found


def test_a_batch_is_stored(database: Database, device: Device) -> None:
    store(database, fix(device, 1), fix(device, 2), vitals=[body(device)])
    assert (count(database, Position), count(database, Vitals)) == (2, 1)
    with database.transaction() as session:
        (row,) = telemetry.vitals(session, device.id, since=NOON, until=NOON + timedelta(seconds=1))
        assert (row.heart_rate_bpm, row.worn) == (72, True)
        assert row.temperature_c == pytest.approx(36.6)


def test_a_batch_that_comes_again_is_stored_once(database: Database, device: Device) -> None:
    for _ in range(3):
        store(database, fix(device, 1), fix(device, 2), vitals=[body(device)])
    assert (count(database, Position), count(database, Vitals)) == (2, 1)


def test_what_is_new_in_a_batch_that_came_in_part_before_is_stored(
    database: Database, device: Device
) -> None:
    store(database, fix(device, 1))
    store(database, *(fix(device, seq) for seq in range(5)))
    assert count(database, Position) == 5


def test_the_same_sample_twice_in_a_batch_is_stored_once(database: Database, device: Device) -> None:
    store(database, fix(device, 1), fix(device, 1), fix(device, 2))
    assert count(database, Position) == 2


def test_different_samples_of_one_moment_are_both_kept(database: Database, device: Device) -> None:
    store(database, fix(device, 1, lat=41.0), fix(device, 2, lat=42.0))
    assert count(database, Position) == 2


@pytest.mark.parametrize("bad", [{"lat": None}, {"clock": None}])
def test_a_row_the_database_cannot_hold_costs_that_row_alone(
    database: Database, device: Device, bad: dict[str, Any]
) -> None:
    rows = [fix(device, seq) for seq in range(20)]
    rows[13] = rows[13]._replace(**bad)
    store(database, *rows)
    assert count(database, Position) == 19
    with database.transaction() as session:
        kept = session.scalars(select(QuarantinedFrame)).one()
        assert kept.reason.startswith("cannot be stored")
        assert kept.text is not None
        assert "seq=13" in kept.text


def test_refused_frames_are_kept(database: Database) -> None:
    refused = RefusedRow(NOON, "telemetry", "a/b", None, "not JSON", b"\x00\xff", None)
    store(database, refused=[refused])
    with database.transaction() as session:
        kept = session.scalars(select(QuarantinedFrame)).one()
        assert (kept.received_at, kept.lane, kept.topic, kept.payload) == (
            NOON,
            "telemetry",
            "a/b",
            b"\x00\xff",
        )


def test_a_refused_frame_that_two_workers_receive_is_kept_once(database: Database) -> None:
    row = RefusedRow(NOON, "sos", "a/b", None, "not JSON", b"{", "{")
    for changes in ({}, {"received_at": NOON + timedelta(seconds=1)}, {"payload": b"["}):
        with database.transaction() as session:
            telemetry.quarantine_once(session, row._replace(**changes))
    assert count(database, QuarantinedFrame) == 2


# Without a clock.


def test_a_sample_without_a_clock_is_recognised_when_it_comes_again(
    database: Database, device: Device
) -> None:
    store(database, fix(device, -5))
    again = fix(device, -5, at=NOON + timedelta(minutes=3))
    store(database, doubtful_positions=[again, again], doubtful_vitals=[body(device), body(device)])
    assert (count(database, Position), count(database, Vitals)) == (1, 1)


def test_the_same_content_much_later_is_another_sample(database: Database, device: Device) -> None:
    store(database, fix(device, -5))
    store(database, doubtful_positions=[fix(device, -5, at=NOON + telemetry.AGAIN_WITHIN * 2)])
    assert count(database, Position) == 2


def test_the_same_content_of_another_device_is_another_sample(database: Database, device: Device) -> None:
    store(database, fix(device, -5))
    store(database, doubtful_positions=[fix(make_device(database), -5, at=NOON + timedelta(seconds=9))])
    assert count(database, Position) == 2


# What is newest.


def test_the_newest_of_a_batch_out_of_order_is_kept_at_hand(database: Database, device: Device) -> None:
    store(
        database,
        *(fix(device, seq, at=NOON + timedelta(seconds=seq), lat=40.0 + seq) for seq in (2, 5, 3)),
        vitals=[body(device, seq, at=NOON - timedelta(seconds=seq), heart_rate_bpm=seq) for seq in (80, 70)],
    )
    with last(database, device) as known:
        assert (known.lat, known.position_at) == (45.0, NOON + timedelta(seconds=5))
        assert (known.heart_rate_bpm, known.vitals_at) == (70, NOON - timedelta(seconds=70))
        assert known.presence is None


def test_what_is_last_known_never_moves_back(database: Database, device: Device) -> None:
    store(database, fix(device, 1, lat=41.0, battery_pct=50), vitals=[body(device, heart_rate_bpm=70)])
    before = NOON - timedelta(minutes=1)
    store(
        database,
        fix(device, 2, at=before, lat=42.0, battery_pct=60, received_at=NOON + timedelta(minutes=1)),
        vitals=[body(device, at=before, heart_rate_bpm=99)],
    )
    with last(database, device) as known:
        assert (known.lat, known.heart_rate_bpm, known.battery_pct) == (41.0, 70, 50)
        assert known.last_seen_at == NOON + timedelta(minutes=1)


def test_vitals_do_not_move_a_position_nor_a_position_the_vitals(database: Database, device: Device) -> None:
    store(database, fix(device, lat=41.0))
    store(database, vitals=[body(device, at=NOON + timedelta(hours=1), heart_rate_bpm=71)])
    with last(database, device) as known:
        assert (known.lat, known.position_at, known.heart_rate_bpm) == (41.0, NOON, 71)


def test_the_battery_is_known_though_the_newest_sample_does_not_tell_it(
    database: Database, device: Device
) -> None:
    store(database, fix(device, 1, battery_pct=33), fix(device, 2, at=NOON + timedelta(seconds=9)))
    with last(database, device) as known:
        assert (known.battery_pct, known.battery_at) == (33, NOON)


def test_the_late_will_of_an_earlier_boot_does_not_hide_a_device_that_is_there(
    database: Database, device: Device
) -> None:
    def say(word: str, boot: int | None, seconds: int) -> None:
        store(
            database,
            presences=[presence(device, word, boot=boot, at=NOON + timedelta(seconds=seconds))],
        )

    def known() -> tuple[Presence | None, int | None]:
        with last(database, device) as row:
            return row.presence, row.boot

    say("online", 17, 0)
    say("online", 18, 1)
    say("offline", 17, 2)
    assert known() == (Presence.ONLINE, 18)
    say("offline", 18, 3)
    assert known() == (Presence.OFFLINE, 18)
    say("online", 3, 4)  # reset to the factory's settings: it is there, whatever it counts
    assert known() == (Presence.ONLINE, 3)
    say("offline", None, 5)
    assert known() == (Presence.OFFLINE, 3)
    say("online", 3, 4)
    assert known() == (Presence.OFFLINE, 3)


def test_within_a_batch_the_same_rule_holds(database: Database, device: Device) -> None:
    online = presence(device, "online", boot=18)._replace(firmware="1.4.2", via="LTE")
    store(database, presences=[online, presence(device, "offline", boot=17), presence(device, "sleeping")])
    with last(database, device) as known:
        assert (known.presence, known.boot, known.firmware) == (Presence.SLEEPING, 18, "1.4.2")
        assert known.last_seen_via == "LTE"


def test_a_device_that_was_deleted_meanwhile_stops_nobody(database: Database, device: Device) -> None:
    gone = fix(device)._replace(device_id=device.id + 1_000)
    store(database, gone, fix(device))
    with last(database, device) as known:
        assert known.lat == 41.3


# Looking up.


def test_only_devices_in_use_are_found(database: Database, device: Device) -> None:
    retired = make_device(database)
    with database.transaction() as session:
        session.get_one(Device, retired.id).retired_at = NOON
    with database.transaction() as session:
        assert telemetry.find_device_ids(session, [device.uid, retired.uid, "nobody"]) == {
            device.uid: device.id
        }
        assert telemetry.find_retired(session, since=NOON) == [retired.uid]
        assert telemetry.find_retired(session, since=NOON + timedelta(seconds=1)) == []


def test_a_track_is_read_in_the_order_of_time_the_latest_of_it(database: Database, device: Device) -> None:
    store(database, *(fix(device, seq, at=NOON + timedelta(seconds=seq)) for seq in (4, 1, 3, 2)))
    with database.transaction() as session:
        whole = telemetry.track(session, device.id, since=NOON, until=NOON + timedelta(seconds=4))
        end = telemetry.track(session, device.id, since=NOON, until=NOON + timedelta(hours=1), most=2)
        assert [row.seq for row in whole] == [1, 2, 3]
        assert [row.seq for row in end] == [3, 4]


def test_a_stored_batch_is_all_or_nothing(database: Database, device: Device) -> None:
    with suppress(RuntimeError), database.transaction() as session:
        telemetry.store(session, Batch(positions=[fix(device)], vitals=[body(device)]), lane="test")
        raise RuntimeError
    assert (count(database, Position), count(database, Vitals), count(database, DeviceLast)) == (0, 0, 0)


def test_rows_of_the_last_transaction_are_not_stored_again(database: Database, device: Device) -> None:
    store(database, fix(device, 1))
    store(database, fix(device, 1), fix(device, 2))
    with database.transaction() as session:
        session.execute(text("DELETE FROM positions"))
    store(database, fix(device, 3), fix(device, 3))
    assert count(database, Position) == 1


def test_a_fix_that_says_no_way_leaves_the_way_the_device_last_named(
    database: Database, device: Device
) -> None:
    store(database, presences=[presence(device, "online")._replace(via="LTE")])
    store(database, fix(device, at=NOON + timedelta(minutes=1)))
    with last(database, device) as known:
        assert known.last_seen_via == "LTE"
