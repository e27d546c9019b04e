"""The chain looks at itself: what is ill is said, and taken back; on real servers."""

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from broker.passwords import matches
from db import notifications, outbox, timers
from db.models import (
    CanaryCall,
    Device,
    Incident,
    IncidentEvent,
    MqttCredential,
    Notification,
    SystemAlert,
)
from db.session import Database
from db.states import IncidentState, Outcome, Role
from dispatch import audit, relay
from dispatch.chain import canary, checks, heartbeat, rules
from dispatch.chain.rules import Finding, Patience
from dispatch.sos import service
from ops.places import CHECKOUT
from tests.builders import NOON, incident_of, make_device, make_user, press, report
from tests.maps import make_region
from tests.servers import WAIT_S, Broker, eventually

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def found(database: Database, at: datetime) -> list[tuple[str, str]]:
    """What one look sees, with its region."""
    with database.transaction() as session:
        return [(each.what, each.region) for each in checks.find(session, canary=True, at=at)]


def standing(database: Database) -> list[str]:
    with database.transaction() as session:
        open_ones = select(SystemAlert.what).where(SystemAlert.ended_at.is_(None))
        return list(session.scalars(open_ones.order_by(SystemAlert.what)))


def settle(database: Database, at: datetime) -> None:
    while relay.turn(database, at=at):
        pass


def test_a_house_in_order_has_nothing_to_say(database: Database) -> None:
    make_user(database, Role.DISPATCHER)
    report(database, make_device(database))
    settle(database, NOON)
    with database.transaction() as session:
        for request in session.scalars(select(Notification)):
            request.status = "done"  # type: ignore[assignment]
    assert found(database, NOON + MINUTE / 6) == []


def test_work_that_nobody_does_is_found(database: Database) -> None:
    with database.transaction() as session:
        outbox.append(session, "geofence.left", uuid.uuid4(), at=NOON)
    assert found(database, NOON + 10 * SECOND) == []
    assert found(database, NOON + 21 * SECOND) == [("dispatch-late", "default")]


def test_a_timer_that_is_overdue_or_fails_again_and_again_is_found(database: Database) -> None:
    subject = uuid.uuid4()
    with database.transaction() as session:
        timers.set_timer(session, subject, "countdown", due_at=NOON, at=NOON)
    assert found(database, NOON + 21 * SECOND) == [("dispatch-late", "default")]
    with database.transaction() as session:
        timer = timers.find_waiting(session, subject, "countdown")
        assert timer is not None
        timer.attempts, timer.due_at = 5, NOON + 25 * SECOND
    assert found(database, NOON + 21 * SECOND) == [("dispatch-late", "default")]


def test_alerts_and_messages_that_wait_are_found_each_for_itself(database: Database) -> None:
    with database.transaction() as session:
        notifications.request(session, "alert", uuid.uuid4(), at=NOON)
        notifications.request(session, "sms", uuid.uuid4(), at=NOON)
    assert found(database, NOON + 21 * SECOND) == [("notifier-late", "default")]
    both = [("notifier-late", "default"), ("messages-late", "default")]
    assert found(database, NOON + 3 * MINUTE) == both


@pytest.mark.parametrize("what", ["fact", "timer", "offer", "message"])
def test_orders_that_wait_are_found_apart_from_calls_for_help(database: Database, what: str) -> None:
    subject = uuid.uuid4()
    with database.transaction() as session:
        match what:
            case "fact":
                outbox.append(session, "order.requested", subject, at=NOON)
            case "timer":
                timers.set_timer(session, subject, "order.offer", due_at=NOON, at=NOON)
            case "offer":
                notifications.request(session, "order.offer", subject, at=NOON)
            case "message":
                notifications.request(session, "order.push", subject, at=NOON)
    assert found(database, NOON + 10 * SECOND) == []
    late = "messages-late" if what == "message" else "orders-late"
    assert found(database, NOON + 3 * MINUTE) == [(late, "default")]


def test_a_channel_that_takes_nothing_is_found_and_one_that_takes_something_is_not(
    database: Database,
) -> None:
    def attempt(ok: bool, seconds: int) -> None:
        at = NOON + seconds * SECOND
        with database.transaction() as session:
            notifications.request(session, "sms", uuid.uuid4(), at=at)
            asked = session.scalars(select(Notification).order_by(Notification.id.desc()).limit(1)).one()
            notifications.record_attempt(session, asked, ok=ok, answer="401", at=at)
            asked.status = "failed"  # type: ignore[assignment]

    attempt(False, 0)
    attempt(False, 1)
    assert found(database, NOON + 2 * SECOND) == []
    attempt(False, 2)
    assert found(database, NOON + 3 * SECOND) == [("sms-refused", "default")]
    attempt(True, 3)
    assert found(database, NOON + 4 * SECOND) == []


def only(database: Database, at: datetime, *what: str) -> list[tuple[str, str]]:
    return [each for each in found(database, at) if each[0] in what]


def test_a_call_that_no_dispatcher_may_see_is_found_in_its_region(database: Database) -> None:
    make_region(database, "there")
    blind = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        session.merge(blind).alert_regions = ["elsewhere"]
    reported = report(database, make_device(database))
    assert only(database, NOON, "no-dispatcher") == []  # everybody sees the default region
    with database.transaction() as session:
        session.get_one(Incident, reported.incident_id).region = "there"
    assert only(database, NOON, "no-dispatcher") == [("no-dispatcher", "there")]
    make_user(database, Role.DISPATCHER)
    assert only(database, NOON, "no-dispatcher") == []


def test_a_call_that_nobody_answers_is_found_until_somebody_does(database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    reported = report(database, make_device(database))
    assert only(database, NOON + 3 * MINUTE, "unanswered") == []
    assert only(database, NOON + 4 * MINUTE, "unanswered") == [("unanswered", "default")]
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON + 5 * MINUTE)
    assert only(database, NOON + 6 * MINUTE, "unanswered") == []
    settle(database, NOON + 7 * MINUTE)  # the lease has lapsed: asked anew from then on
    assert incident_of(database, reported).state == IncidentState.ACTIVE
    assert only(database, NOON + 9 * MINUTE, "unanswered") == []
    assert only(database, NOON + 11 * MINUTE, "unanswered") == [("unanswered", "default")]


def test_a_device_that_is_silent_in_a_call_is_found(database: Database) -> None:
    report(database, make_device(database))
    settle(database, NOON)
    relay.look_at_people(database, at=NOON + MINUTE)
    assert only(database, NOON + MINUTE, "signal-lost") == [("signal-lost", "default")]


def test_what_is_ill_is_said_at_the_second_look_once_and_taken_back_at_the_second(
    database: Database,
) -> None:
    patience, disk = Patience(), Finding("disk", "nearly full")

    def look(second: int, *here: Finding) -> list[str]:
        return audit.look(database, patience, list(here), canary=False, at=NOON + second * SECOND)

    def asked() -> int:
        with database.transaction() as session:
            return len(session.scalars(select(Notification.id).where(Notification.kind == "system")).all())

    assert look(0, disk) == []
    assert look(3, disk) == ["disk"]
    assert look(6, disk) == ["disk"]
    assert asked() == 1
    assert look(9, Finding("disk", "fuller still")) == ["disk"]
    assert asked() == 2
    patience = Patience()  # another process goes on
    assert look(12) == ["disk"]
    assert look(15) == []
    assert asked() == 3
    with database.transaction() as session:
        alert = session.scalars(select(SystemAlert)).one()
        assert (alert.since, alert.ended_at) == (NOON + 3 * SECOND, NOON + 15 * SECOND)
        assert alert.message == "fuller still"


def test_the_same_in_two_regions_is_two_alerts(database: Database) -> None:
    patience = Patience()
    here = [Finding("unanswered", "1", "a"), Finding("unanswered", "1", "b")]
    for second in range(2):
        ill = audit.look(database, patience, here, canary=False, at=NOON + second * SECOND)
    assert ill == ["unanswered", "unanswered"]


def test_all_is_well_only_when_it_was_looked_at_and_nothing_of_the_chain_is_ill(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    health = audit.Health()
    assert not health.is_well()
    health.saw([])
    assert health.is_well()
    health.saw(["signal-lost"])
    assert health.is_well()
    health.saw(["signal-lost", "broker"])
    assert not health.is_well()
    health.saw([])
    monkeypatch.setattr(audit, "_STALE_S", -1.0)
    assert not health.is_well()


@contextmanager
def watchman() -> Iterator[tuple[str, list[str]]]:
    """Somebody outside who is fetched."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(500 if len(seen) == 1 else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/beat", seen
        server.shutdown()


def test_a_heartbeat_is_sent_while_all_is_well_and_survives_a_watchman_who_is_not() -> None:
    well, stopping = threading.Event(), threading.Event()
    with watchman() as (url, seen):
        work = threading.Thread(
            target=heartbeat.run, args=(url, stopping), kwargs={"is_well": well.is_set, "every_s": 0.02}
        )
        work.start()
        assert seen == []
        well.set()
        eventually(lambda: len(seen) > 2, "the heartbeat")
        well.clear()
        stopping.wait(0.1)
        before = len(seen)
        stopping.wait(0.2)
        assert len(seen) == before
        stopping.set()
        work.join(WAIT_S)
    assert set(seen) == {"/beat"}


def test_the_canarys_device_is_made_once_and_made_whole_again(database: Database, broker: Broker) -> None:
    passwords = set()
    for _ in range(2):
        with database.transaction() as session:
            passwords.add(canary.ensure(session, broker.settings))
    with database.transaction() as session:
        credential = session.get_one(MqttCredential, canary.UID)
        credential.revoked_at, credential.password_hash = NOON, "another's"
        session.scalars(select(Device)).one().retired_at = NOON
    with database.transaction() as session:
        passwords.add(canary.ensure(session, broker.settings))
    [password] = passwords
    with database.transaction() as session:
        device = session.scalars(select(Device)).one()
        assert (device.canary, device.retired_at) == (True, None)
        credential = session.get_one(MqttCredential, canary.UID)
        assert credential.revoked_at is None
        assert matches(password, credential.password_hash)


def call(database: Database, broker: Broker) -> str | None:
    """Make one, and see what was wrong with it."""
    return rules.trouble_of(canary.call(database, broker.settings))


def test_somebodys_device_of_that_name_never_becomes_a_canary(database: Database, broker: Broker) -> None:
    device = make_device(database, make_user(database), uid=canary.UID)
    assert call(database, broker) == f"somebody has registered a device as {canary.UID}"
    incident = incident_of(database, report(database, device))
    assert (incident.canary, incident.exercise) == (False, False)


def test_what_the_canary_calls_is_marked_and_ended_and_no_other_call_is(
    database: Database, broker: Broker
) -> None:
    real = report(database, make_device(database))
    with database.transaction() as session:
        canary.ensure(session, broker.settings)
    with database.transaction() as session:
        device = session.scalars(select(Device).where(Device.canary)).one()
        reported = service.report(session, device.id, press=press(), at=NOON)
    incident = incident_of(database, reported)
    assert (incident.canary, incident.exercise) == (True, True)
    with database.transaction() as session:
        canary.end(session, real.incident_id, at=NOON)
        canary.end_open(session, at=NOON)
    ended = incident_of(database, reported)
    assert (ended.state, ended.outcome) == (IncidentState.RESOLVED, Outcome.CANCELLED)
    assert incident_of(database, real).state == IncidentState.ACTIVE


@contextmanager
def running(database: Database, broker: Broker, folder: Path, *programs: str, **told: str) -> Iterator[None]:
    """These processes as the supervisor runs them, all ready; lanes begin with nothing waiting for them."""
    broker.forget_lanes()
    environment = os.environ | {
        "MAYDAY_DATABASE_URL": database.url,
        "MAYDAY_SECRET": broker.settings.secret.get_secret_value(),
        "MAYDAY_MQTT_PORT": str(broker.settings.mqtt_port),
    }
    with ExitStack() as stack:
        for program in programs:
            beat = folder / f"{program.replace(' ', '-')}.beat"
            log = stack.enter_context((folder / f"{beat.stem}.log").open("wb"))
            child = subprocess.Popen(
                [sys.executable, "-m", *program.split()],
                env=environment | told | {"MAYDAY_BEAT": str(beat)},
                cwd=CHECKOUT,
                stdout=log,
                stderr=log,
            )
            stack.callback(child.wait, WAIT_S)
            stack.callback(child.terminate)
            eventually(beat.exists, f"{program} to be ready")
        yield


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """How late is late is tried elsewhere: a busy machine is no broken link."""
    for within in ("ACKNOWLEDGED_WITHIN", "ALERTED_WITHIN", "TELEMETRY_WITHIN"):
        monkeypatch.setattr(rules, within, MINUTE)
    monkeypatch.setattr(canary, "_LONGEST_S", 60.0)


CHAIN = ("ingest sos --worker 1", "ingest telemetry", "notifier.relay")


def calls(database: Database) -> list[CanaryCall]:
    with database.transaction() as session:
        return list(session.scalars(select(CanaryCall).order_by(CanaryCall.id)))


@pytest.mark.usefixtures("patient")
def test_a_canary_walks_the_whole_way_is_timed_and_leaves_nothing_open(
    database: Database, broker: Broker, tmp_path: Path
) -> None:
    broker.add_device(canary.UID, broker.settings.derive("canary"))
    with running(database, broker, tmp_path, *CHAIN):
        assert call(database, broker) is None
        assert call(database, broker) is None
    for made in calls(database):
        assert made.stored_at
        assert made.acknowledged_at
        assert made.alerted_at
        assert made.telemetry_at
        assert made.sent_at < made.stored_at < made.acknowledged_at
    with database.transaction() as session:
        incidents = session.scalars(select(Incident).order_by(Incident.opened_at)).all()
        assert [each.id for each in incidents] == [made.incident_id for made in calls(database)]
        assert {each.state for each in incidents} == {IncidentState.RESOLVED}
        kinds = session.scalars(select(IncidentEvent.kind).order_by(IncidentEvent.id)).all()
        assert kinds == ["opened", "resolved"] * 2
    assert only(database, calls(database)[-1].sent_at, "canary", "telemetry-behind") == []


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("runs", "trouble", "what"),
    [
        (CHAIN[:2], "acknowledged, but not on the alert topic", "canary"),
        (CHAIN[1:], "the device got no answer", "canary"),
        ((CHAIN[0], CHAIN[2]), None, "telemetry-behind"),
    ],
    ids=["no notifier", "no sos worker", "no telemetry"],
)
def test_a_link_that_is_broken_is_found_by_two_canaries(
    database: Database,
    broker: Broker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runs: tuple[str, ...],
    trouble: str | None,
    what: str,
) -> None:
    monkeypatch.setattr(canary, "_LONGEST_S", 6.0)
    broker.add_device(canary.UID, broker.settings.derive("canary"))
    with running(database, broker, tmp_path, *runs):
        assert call(database, broker) == trouble
        sent_at = calls(database)[-1].sent_at
        assert only(database, sent_at, "canary", "telemetry-behind") == []
        assert call(database, broker) == trouble
    sent_at = calls(database)[-1].sent_at
    assert only(database, sent_at, "canary", "telemetry-behind") == [(what, "default")]
    patience = Patience()
    for _ in range(2):
        audit.look(database, patience, [], canary=True, at=sent_at)
    assert what in standing(database)


def test_a_canary_that_is_not_let_in_says_so(database: Database, broker: Broker) -> None:
    broker.add_device(canary.UID, "another password")
    said = call(database, broker)
    assert said is not None
    assert said.startswith("it had no connection")


def test_the_process_says_that_the_broker_is_gone_and_takes_it_back(
    database: Database, broker: Broker, tmp_path: Path
) -> None:
    with running(database, broker, tmp_path, "dispatch.audit", MAYDAY_CANARY_EVERY_S="0"):
        broker.kill()
        eventually(lambda: standing(database) == ["broker"], "the alert")
        broker.start()
        eventually(lambda: standing(database) == [], "the alert to end")
