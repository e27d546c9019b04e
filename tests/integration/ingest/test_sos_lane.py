"""The SOS lane on real servers: commit, answer, acknowledge, whatever dies in between."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from broker import process, topics
from broker.client import Connection, Delivery
from broker.topics import Service
from db.models import Device, Incident, IncidentReport, Pin, QuarantinedFrame
from db.session import Database
from db.states import IncidentState
from ingest import sos
from tests.builders import TASHKENT, make_device, make_user, set_pins
from tests.integration.ingest.watch import Watch
from tests.servers import WAIT_S, Broker, eventually

CALLS = topics.LINES[topics.Channel.SOS].filter()


@pytest.fixture
def watch(broker: Broker, database: Database) -> Iterator[Watch]:
    device = make_device(database)
    found = Watch(broker, device.uid, "sos")
    yield found
    found.close()


@contextmanager
def connected(broker: Broker, watch: Watch, number: int = 1) -> Iterator[Connection]:
    """A worker's session; each test's own, so that none finds what was sent in another."""
    name = f"sos-{number}-{watch.uid}"
    with Connection(name, Service.INGEST, broker.settings, subscriptions=[CALLS]) as connection:
        connection.wait_connected(WAIT_S)
        yield connection


def next_of(connection: Connection) -> Delivery:
    delivery = connection.receive(WAIT_S)
    assert delivery is not None, "nothing was delivered"
    return delivery


def take(database: Database, connection: Connection, delivery: Delivery) -> None:
    sos.take(database, connection, process.Life("test"), delivery, at=datetime.now(UTC))


@contextmanager
def worker(database: Database, broker: Broker, watch: Watch, number: int = 1) -> Iterator[process.Life]:
    """A worker as the process runs it, in a thread of the test."""
    life = process.Life("sos")

    def work() -> None:
        with connected(broker, watch, number) as connection:
            ready.set()
            for delivery in connection.messages(life.stopping, timeout_s=0.1):
                if delivery is not None:
                    sos.take(database, connection, life, delivery, at=datetime.now(UTC))

    ready = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(WAIT_S)
    yield life
    life.stop()
    thread.join(WAIT_S)


def count(database: Database, table: type[Any]) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_press_is_stored_and_answered(database: Database, broker: Broker, watch: Watch) -> None:
    with worker(database, broker, watch):
        watch.send({"id": "7f3a", "ts": int(datetime.now(UTC).timestamp()), "type": "fall", **TASHKENT})
        answer = watch.answer()
    with database.transaction() as session:
        incident = session.scalars(select(Incident)).one()
    assert answer == {"id": "7f3a", "ok": True, "sos": str(incident.id), "dup": False}
    assert (incident.state, incident.type, incident.lat) == (IncidentState.ACTIVE, "fall", TASHKENT["lat"])


def test_the_same_press_again_gets_the_same_answer(database: Database, broker: Broker, watch: Watch) -> None:
    with worker(database, broker, watch):
        watch.send({"id": "7f3a"})
        first = watch.answer()
        watch.send({"id": "7f3a"})
        assert watch.answer() == first
    assert count(database, IncidentReport) == 1


def test_two_workers_make_one_incident_and_say_the_same(
    database: Database, broker: Broker, watch: Watch
) -> None:
    with worker(database, broker, watch, 1), worker(database, broker, watch, 2):
        for number in range(10):
            watch.send({"id": f"press-{number}"})
        answers = [watch.answer() for _ in range(20)]
    assert count(database, Incident) == 1
    assert count(database, IncidentReport) == 10
    for number in range(10):
        first, second = (answer for answer in answers if answer["id"] == f"press-{number}")
        assert first == second
        assert first["dup"] == (number > 0)


def test_the_second_worker_leaves_a_call_to_the_first_and_none_that_has_waited() -> None:
    call = Delivery("t", b"", 1, retain=False, dup=False, mid=1, generation=1, arrived_at=100.0)
    assert sos.head_start_s(1, call, now=100.0) == 0.0
    assert 0.0 < sos.head_start_s(2, call, now=100.0) < 0.1
    assert sos.head_start_s(2, call, now=101.0) == 0.0


def test_a_worker_that_dies_between_commit_and_answer_gets_the_press_again(
    database: Database, broker: Broker, watch: Watch
) -> None:
    with connected(broker, watch) as connection:
        watch.send({"id": "7f3a"})
        delivery = next_of(connection)
        with database.transaction() as session:
            [call] = sos.read(delivery)
            sos.store(session, call, at=datetime.now(UTC))
        # Here it dies: committed, neither answered nor acknowledged.
    with connected(broker, watch) as connection:
        again = next_of(connection)
        assert again.dup
        take(database, connection, again)
    assert watch.answer()["dup"] is False
    assert count(database, Incident) == 1
    with connected(broker, watch) as connection:
        assert connection.receive(0.5) is None


def test_a_press_outlives_a_restart_of_the_broker_while_the_worker_is_away(
    database: Database, broker: Broker, watch: Watch
) -> None:
    with connected(broker, watch):
        pass
    watch.send({"id": "7f3a"})
    broker.stop()
    broker.start()
    with connected(broker, watch) as connection:
        take(database, connection, next_of(connection))
    assert count(database, Incident) == 1


def test_a_press_is_not_acknowledged_on_a_connection_it_did_not_come_by(
    database: Database, broker: Broker, watch: Watch
) -> None:
    with connected(broker, watch) as connection:
        watch.send({"id": "7f3a"})
        stale = next_of(connection)
        broker.stop()
        broker.start()
        connection.wait_connected(WAIT_S)
        assert not connection.acknowledge(stale)
        fresh = next_of(connection)
        assert json.loads(fresh.payload) == {"id": "7f3a"}
        take(database, connection, fresh)


def test_one_bad_field_does_not_cost_the_call(database: Database, broker: Broker, watch: Watch) -> None:
    with worker(database, broker, watch):
        watch.send({"id": "7f3a", "lat": 95, "lon": 69.2, "bat": "full", "sev": 4})
        assert watch.answer()["ok"] is True
    with database.transaction() as session:
        report = session.scalars(select(IncidentReport)).one()
        assert (report.lat, report.battery_pct, report.severity) == (None, None, 4)
        assert len(report.notes) >= 2


def test_a_cancel_with_a_pin_is_answered_and_a_wrong_one_says_so(
    database: Database, broker: Broker, watch: Watch
) -> None:
    wearer = make_user(database)
    set_pins(database, wearer)
    with database.transaction() as session:
        session.execute(update(Device).where(Device.uid == watch.uid).values(owner_id=wearer.id))
    with worker(database, broker, watch, 1), worker(database, broker, watch, 2):
        watch.send({"id": "7f3a"})
        opened = [watch.answer() for _ in range(2)]
        watch.send({"id": "7f3a", "cancel": True, "pin": "0000"})
        for _ in range(2):
            assert watch.answer() == {"id": "7f3a", "ok": False, "err": "wrong pin"}
        watch.send({"id": "7f3a", "cancel": True, "pin": 9999})
        for _ in range(2):
            assert watch.answer() == {"id": "7f3a", "ok": True, "sos": opened[0]["sos"]}
    with database.transaction() as session:
        assert session.scalars(select(Pin.wrong)).one() == 0
        incident = session.scalars(select(Incident)).one()
    assert (incident.state, incident.duress) == (IncidentState.ACTIVE, True)


@pytest.mark.parametrize(
    "payload",
    [b'{"id":"7f3a","lat":', b'{"id":"7f3a"}garbage', b'["id":"7f3a"]'],
)
def test_a_malformed_call_is_kept_and_its_device_is_told(
    database: Database, broker: Broker, watch: Watch, payload: bytes
) -> None:
    with worker(database, broker, watch, 1), worker(database, broker, watch, 2):
        watch.send(payload)
        answer = watch.answer()
        assert (answer["id"], answer["ok"]) == ("7f3a", False)
        assert answer["err"]
        watch.send({"id": "after"})
        eventually(lambda: count(database, Incident) == 1, "the lane to live on")
    with database.transaction() as session:
        kept = session.scalars(select(QuarantinedFrame)).one()
    assert (kept.payload, kept.uid, kept.lane) == (payload, watch.uid, "sos")
    assert kept.reason


def test_one_bad_frame_of_an_array_costs_itself_alone(
    database: Database, broker: Broker, watch: Watch
) -> None:
    with worker(database, broker, watch):
        watch.send([7, {"id": "7f3a"}])
        assert watch.answer()["ok"] is True
    assert count(database, QuarantinedFrame) == 1


def test_a_press_waits_for_a_database_that_is_away(database: Database, broker: Broker, watch: Watch) -> None:
    with worker(database, broker, watch):
        with database.engine.begin() as busy:
            busy.exec_driver_sql("LOCK TABLE devices IN ACCESS EXCLUSIVE MODE")
            watch.send({"id": "7f3a"})
            # A statement that is cut short is what a database looks like that fails over or restarts.
            eventually(lambda: _cut_those_who_wait(database), "the worker to meet the lock")
        assert watch.answer()["ok"] is True
    assert count(database, Incident) == 1


def _cut_those_who_wait(database: Database) -> int:
    with database.transaction() as session:
        cut = session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND application_name = 'test'"
            )
        )
        return len(cut.all())
