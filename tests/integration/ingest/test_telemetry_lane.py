"""The telemetry lane on real servers: nothing lost, nothing doubled, whatever dies in between."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import func, select, text

from db.models import Device, DeviceCommand, DeviceLast, Message, Position, QuarantinedFrame, Vitals
from db.session import Database
from db.states import Clock, CommandKind, Presence
from dispatch import commands, telling
from ops.postgres import DATABASE, Postgres
from tests.builders import make_device, make_user
from tests.integration.ingest.lanes import DIES_BEFORE_ACKNOWLEDGING, Lane, stopped_at_the_end
from tests.integration.ingest.watch import Watch
from tests.servers import Broker, eventually

FIX = {"lat": 41.311081, "lon": 69.240562}
NONSENSE = b"nonsense"


@pytest.fixture
def lane(database: Database, broker: Broker, tmp_path: Path) -> Iterator[Lane]:
    with stopped_at_the_end(Lane(database, broker, tmp_path)) as lane:
        lane.start()
        yield lane


@pytest.fixture
def watch(database: Database, broker: Broker) -> Iterator[Watch]:
    watch = Watch(broker, make_device(database).uid, "pos")
    yield watch
    watch.close()


def now() -> int:
    return int(time.time())


def count(database: Database, kind: Any) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(kind)) or 0


def wait_for(database: Database, kind: Any, number: int) -> None:
    """Wait for so many rows, and see that no more come."""
    eventually(lambda: count(database, kind) >= number, f"{number} rows of {kind.__name__}")
    assert count(database, kind) == number


def positions(database: Database) -> list[Position]:
    with database.transaction() as session:
        return list(session.scalars(select(Position).order_by(Position.at, Position.seq)))


def last(database: Database, uid: str) -> DeviceLast | None:
    with database.transaction() as session:
        return session.scalar(select(DeviceLast).join(Device).where(Device.uid == uid))


@contextmanager
def database_away(database: Database, postgres: Postgres) -> Iterator[None]:
    """As a restart looks from outside: connections end, and none is taken for a while."""
    name = sql.Identifier(DATABASE)
    with psycopg.connect(postgres.superuser_dsn(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        superuser.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s", [DATABASE]
        )
        database.close()  # what the test had lain by is dead as well
        try:
            yield
        finally:
            superuser.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


def test_what_devices_report_is_stored_and_answered(database: Database, lane: Lane, watch: Watch) -> None:
    watch.send({"s": "online", "fw": "1.4.2", "boot": 3}, "status")
    watch.send(FIX | {"ts": now(), "seq": 1, "bat": 84})
    watch.send([FIX | {"ts": now() - age, "seq": 10 + age} for age in range(1, 21)])
    watch.send({"ts": now(), "seq": 2, "hr": 72, "id": "v1"}, "vitals")
    assert watch.answer() == {"id": "v1", "ok": True}
    wait_for(database, Position, 21)
    wait_for(database, Vitals, 1)
    known = last(database, watch.uid)
    assert known is not None
    assert (known.lat, known.battery_pct, known.heart_rate_bpm) == (FIX["lat"], 84, 72)
    assert (known.presence, known.firmware, known.boot) == (Presence.ONLINE, "1.4.2", 3)


def test_what_was_acknowledged_does_not_come_again(database: Database, lane: Lane, watch: Watch) -> None:
    watch.send(NONSENSE)
    wait_for(database, QuarantinedFrame, 1)
    watch.send(FIX | {"ts": now(), "id": "a"})
    watch.answer()
    lane.stop()
    lane.start()
    watch.send(FIX | {"ts": now(), "id": "b"})
    watch.answer()
    assert count(database, QuarantinedFrame) == 1


def test_killed_between_commit_and_acknowledgement_it_stores_nothing_twice(
    database: Database, broker: Broker, watch: Watch, tmp_path: Path
) -> None:
    with stopped_at_the_end(Lane(database, broker, tmp_path)) as lane:
        lane.start()
        lane.stop()  # the session exists, and waits
        watch.send(FIX | {"ts": now(), "seq": 1})
        watch.send(FIX | {"ts": now(), "bat": 50})
        watch.send(FIX)
        watch.send([FIX, FIX | {"bat": 20}])
        watch.send({"age": 5, "hr": 70}, "vitals")
        watch.send({"ts": 946_684_900, "hr": 71}, "vitals")
        watch.send(NONSENSE)
        lane.start(DIES_BEFORE_ACKNOWLEDGING)
        assert lane.wait() == -signal.SIGKILL
        assert (count(database, Position), count(database, Vitals)) == (5, 2)

        lane.start()
        # What has no key is kept twice: so it was all delivered again.
        wait_for(database, QuarantinedFrame, 2)
        watch.send(FIX | {"ts": now(), "id": "last", "seq": 2})
        watch.answer()
        assert (count(database, Position), count(database, Vitals)) == (6, 2)


def test_what_comes_while_it_is_down_is_stored_when_it_is_back(
    database: Database, lane: Lane, watch: Watch
) -> None:
    lane.kill()
    for seq in range(50):
        watch.send(FIX | {"ts": now(), "seq": seq})
    lane.start()
    wait_for(database, Position, 50)


def test_a_restart_of_the_broker_loses_nothing(
    database: Database, broker: Broker, lane: Lane, watch: Watch
) -> None:
    watch.send(FIX | {"ts": now(), "seq": 0})
    wait_for(database, Position, 1)
    lane.signal(signal.SIGSTOP)
    for seq in range(1, 20):
        watch.send(FIX | {"ts": now(), "seq": seq})
    broker.stop()
    lane.signal(signal.SIGCONT)
    broker.start()
    wait_for(database, Position, 20)
    # What was under way may have been read before the connection was missed: so it is waited for.
    eventually(lambda: 'resumed": true' in lane.log, "the lane to be back in its session")
    watch.send(FIX | {"ts": now(), "seq": 20, "id": "afterwards"})
    watch.answer()
    assert count(database, Position) == 21


def test_it_comes_back_after_the_broker_was_killed(
    database: Database, broker: Broker, lane: Lane, watch: Watch
) -> None:
    broker.kill()
    broker.start()
    seq = 0

    def stored() -> bool:
        nonlocal seq
        seq += 1
        watch.send(FIX | {"ts": now(), "seq": seq})
        return count(database, Position) > 0

    eventually(stored, "the lane to come back")
    assert lane.runs


def test_it_waits_for_the_database_and_loses_nothing(
    database: Database, postgres: Postgres, lane: Lane, watch: Watch
) -> None:
    watch.send(FIX | {"ts": now(), "seq": 0})
    wait_for(database, Position, 1)
    with database_away(database, postgres):
        for seq in range(1, 20):
            watch.send(FIX | {"ts": now(), "seq": seq, "id": f"n{seq}"})
        eventually(lambda: "the database is away" in lane.log, "the lane to notice")
        assert lane.runs
    assert {watch.answer()["id"] for _ in range(1, 20)} == {f"n{seq}" for seq in range(1, 20)}
    wait_for(database, Position, 20)


def test_poison_does_not_stop_what_comes_behind_it(database: Database, lane: Lane, watch: Watch) -> None:
    poison = [NONSENSE, b"{", b"\xff" * 100, b"[" * 5_000, b"\x9f" * 50, b'"', b"[1,2]"[:-1]]
    for payload in poison:
        watch.send(payload)
        watch.send(payload, "vitals")
        watch.send(payload, "status")
    watch.send(b'{"lat":1e999,"lon":"\\u0000","id":"bad"}')
    watch.send(FIX | {"ts": now(), "id": "good"})
    assert watch.answer()["ok"] is False
    assert watch.answer() == {"id": "good", "ok": True}
    wait_for(database, QuarantinedFrame, 3 * len(poison) + 1)


def test_an_array_in_any_order_leaves_the_newest_at_hand(
    database: Database, lane: Lane, watch: Watch
) -> None:
    ages = [5, 1, 9, 3]
    watch.send([{"lat": 40 + age / 10, "lon": 69, "ts": now() - age, "seq": age} for age in ages])
    watch.send([{"lat": 50, "lon": 69, "ts": now() - 86_400, "seq": 1}])
    wait_for(database, Position, 5)
    known = last(database, watch.uid)
    assert known is not None
    assert known.lat == 40.1


def test_mad_clocks_make_no_chunk_and_cost_no_frame(database: Database, lane: Lane, watch: Watch) -> None:
    for year in range(50):
        watch.send(FIX | {"ts": 946_684_800 + year * 31_557_600, "seq": year})
    wait_for(database, Position, 50)
    recent = datetime.now(UTC) - timedelta(days=1)
    rows = positions(database)
    assert {row.clock for row in rows} <= {Clock.MAD, Clock.DEVICE}
    assert all(row.at > recent for row in rows)
    with database.transaction() as session:
        chunks = session.scalar(text("SELECT count(*) FROM show_chunks('positions')"))
    assert chunks is not None
    assert chunks <= 2  # noon may be midnight somewhere


def test_a_watch_without_a_clock_is_stored_under_its_arrival(
    database: Database, lane: Lane, watch: Watch
) -> None:
    watch.send(FIX)
    wait_for(database, Position, 1)
    watch.send(FIX)
    watch.send(FIX | {"id": "a"})
    watch.send(FIX | {"id": "a"})  # asks again, for it missed the answer
    assert [watch.answer()["id"], watch.answer()["id"]] == ["a", "a"]
    wait_for(database, Position, 3)
    assert {row.clock for row in positions(database)} == {Clock.ARRIVAL}


def test_a_device_is_heard_as_soon_as_it_is_registered_and_no_more_when_it_is_retired(
    database: Database, broker: Broker, lane: Lane
) -> None:
    watch = Watch(broker, "latecomer", "pos")
    watch.send(FIX | {"ts": now(), "id": "early"})
    assert watch.answer() == {"id": "early", "ok": False, "err": "unknown device"}
    device = make_device(database, uid="latecomer")

    def is_heard() -> bool:
        watch.send(FIX | {"ts": now(), "id": "again"})
        heard: bool = watch.answer()["ok"]
        return heard

    eventually(is_heard, "the new device to be known")
    with database.transaction() as session:
        session.get_one(Device, device.id).retired_at = datetime.now(UTC)
    eventually(lambda: not is_heard(), "the retired device to be refused")
    watch.close()


def test_a_reply_to_nothing_is_kept_and_told_so(database: Database, lane: Lane, watch: Watch) -> None:
    watch.send({"id": "o1", "ok": True}, "reply")
    assert watch.answer() == {"id": "o1", "ok": False, "err": "nothing was asked under this id"}
    wait_for(database, QuarantinedFrame, 1)


def test_a_reply_closes_the_command_it_answers(database: Database, lane: Lane, watch: Watch) -> None:
    by = make_user(database)
    with database.transaction() as session:
        device = session.scalars(select(Device).where(Device.uid == watch.uid)).one()
        command = commands.ask(session, device.id, do=CommandKind.RING, by=by.id, at=datetime.now(UTC))
    for _ in range(2):  # the second time, for it missed the answer
        watch.send({"id": command.frame_id, "ok": True}, "reply")
        assert watch.answer() == {"id": command.frame_id, "ok": True}
    with database.transaction() as session:
        assert session.get_one(DeviceCommand, command.id).ok is True
        assert session.scalars(select(QuarantinedFrame)).all() == []


def test_a_reply_confirms_a_message_to_whose_phone_it_is(
    database: Database, lane: Lane, watch: Watch
) -> None:
    person, at = make_user(database), datetime.now(UTC)
    with database.transaction() as session:
        session.scalars(select(Device).where(Device.uid == watch.uid)).one().owner_id = person.id
        until_at = at + timedelta(minutes=5)
        told = telling.tell(session, person, "sos.nudge", key="k", until_at=until_at, at=at, name="Aziza")
        assert told is not None
    for _ in range(2):
        watch.send({"id": f"m{told.id}", "ok": True}, "reply")
        assert watch.answer() == {"id": f"m{told.id}", "ok": True}
    with database.transaction() as session:
        assert session.get_one(Message, told.id).confirmed_via == "mqtt"


def test_told_to_stop_it_ends_in_order(database: Database, lane: Lane, watch: Watch) -> None:
    watch.send(FIX | {"ts": now(), "seq": 1})
    wait_for(database, Position, 1)
    lane.signal(signal.SIGTERM)
    assert lane.wait() == 0
    assert "Traceback" not in lane.log
