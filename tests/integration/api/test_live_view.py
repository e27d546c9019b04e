"""The documented socket on a real server, a real broker and the real notifier."""

import json
import socket as plain_sockets
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, update
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from api import admission, audience, sockets
from api import app as application
from api.__main__ import make_server
from api.accounts import sessions
from api.accounts.sessions import Client
from api.app import create_app
from api.settings import ApiSettings
from broker import codec, topics
from broker.client import Connection
from broker.frames import AlertFrame
from db.models import Incident, User, UserRole
from db.session import Database
from db.settings import DatabaseSettings
from db.states import IncidentState, Outcome, Role, UserStatus
from dispatch.sos import service
from notifier import relay
from notifier.channels import topic
from tests.builders import TASHKENT, make_device, make_user, report
from tests.servers import WAIT_S, Broker, eventually

QUIET_S = 0.5


class Live:
    """A running API, and the notifier that feeds it."""

    def __init__(self, settings: ApiSettings, database: Database, broker: Broker) -> None:
        self.database = database
        self.address = f"127.0.0.1:{settings.api_port}"
        self.app = create_app(
            settings, database=Database(DatabaseSettings(database_url=SecretStr(database.url)))
        )
        self.server = make_server(self.app, settings)
        self.broker = broker
        self.notifier = Connection("test-notifier", topics.Service.NOTIFIER, broker.settings)

    @property
    def hub(self) -> Any:
        return self.app.state.hub

    @property
    def listeners(self) -> int:
        count: int = self.app.state.audience.count().total()
        return count

    def token(self, user: User, **expires_in: float) -> str:
        at = datetime.now(UTC)
        if expires_in:
            at += timedelta(**expires_in) - timedelta(minutes=15)
        token: str = self.app.state.signer.issue(user.uuid, at=at)
        return token

    @contextmanager
    def socket(self, token: str | None = None, **more: Any) -> Iterator[ClientConnection]:
        """A socket with a Bearer header; the server has let it in."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        before = self.listeners
        with connect(f"ws://{self.address}/ws/sos_events/", additional_headers=headers, **more) as socket:
            if token:
                eventually(
                    lambda: self.app.state.audience.count().total() > before, "the socket to be let in"
                )
            yield socket

    def tell(self) -> None:
        """Let the notifier tell all it was asked to."""
        while relay.turn(self.database, topic.channels(self.notifier), at=datetime.now(UTC)):
            pass

    def publish(self, alert: AlertFrame) -> None:
        self.put(topics.alert(alert.region, topics.AlertKind.SOS, alert.incident), codec.encode(alert))

    def clear(self) -> None:
        """Leave nothing retained behind."""
        self.notifier.wait_connected(WAIT_S)
        for alert in self.hub.board.open.values():
            self.put(topics.alert(alert.region, topics.AlertKind.SOS, alert.incident), b"")

    def put(self, topic: str, payload: bytes) -> None:
        self.notifier.publish(topic, payload, retain=True).wait(WAIT_S)


@pytest.fixture
def live(database: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setattr(application, "_RIGHTS_S", 0.2)
    listening = plain_sockets.create_server(("127.0.0.1", 0))
    settings = ApiSettings(
        secret=broker.settings.secret,
        mqtt_port=broker.ports["mqtt_service"],
        api_port=listening.getsockname()[1],
    )
    live = Live(settings, database, broker)
    thread = threading.Thread(target=live.server.run, args=[[listening]])
    thread.start()
    try:
        with live.notifier:
            live.notifier.wait_connected(WAIT_S)
            eventually(lambda: live.server.started and live.hub.connected, "the api to start")
            yield live
            if broker.runs:
                live.clear()
    finally:
        live.server.should_exit = True
        thread.join(WAIT_S)
        assert not thread.is_alive()


@pytest.fixture
def desk(database: Database) -> User:
    return make_user(database, Role.DISPATCHER)


def alert(**other: Any) -> AlertFrame:
    return AlertFrame(
        **{
            "incident": uuid.uuid4(),
            "revision": 1,
            "state": "active",
            "type": "fall",
            "region": "default",
            "uid": "watch-1",
            "opened_at": datetime.now(UTC),
        }
        | other
    )


def payload(socket: ClientConnection) -> dict[str, Any]:
    said = json.loads(socket.recv(timeout=WAIT_S))
    assert said["type"] == "sos_event"
    found: dict[str, Any] = said["payload"]
    return found


def is_quiet(socket: ClientConnection) -> bool:
    try:
        socket.recv(timeout=QUIET_S)
    except TimeoutError:
        return True
    return False


def close_code(socket: ClientConnection, within_s: float = WAIT_S) -> int | None:
    try:
        while True:
            socket.recv(timeout=within_s)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def test_a_desk_is_told_of_a_call_and_of_its_end_and_of_nothing_between(
    live: Live, database: Database, desk: User
) -> None:
    wearer = make_user(database)
    device = make_device(database, wearer)
    with live.socket(live.token(desk)) as socket:
        pressed_at = datetime.now(UTC).replace(microsecond=0)
        incident = report(
            database, device, at=datetime.now(UTC), type="fall", severity=4, device_at=pressed_at, **TASHKENT
        ).incident_id
        live.tell()
        opened = payload(socket)
        assert opened == {
            "event_uid": str(incident),
            "timestamp": pressed_at.isoformat().replace("+00:00", "Z"),
            "resolved": False,
            "detected_type": "FALL_DETECTED",
            "severity": 4,
            "device_uid": device.uid,
            "user_phone": wearer.phone,
            "lat": 41.311081,
            "lon": 69.240562,
        }
        with database.transaction() as session:
            service.acknowledge(session, incident, by=desk.id, at=datetime.now(UTC))
        live.tell()
        assert is_quiet(socket)
        with database.transaction() as session:
            service.resolve(session, incident, by=desk.id, outcome=Outcome.ASSISTED, at=datetime.now(UTC))
        live.tell()
        assert payload(socket) == opened | {"resolved": True}


@pytest.mark.parametrize("role", [Role.ADMIN, Role.DISPATCHER])
@pytest.mark.parametrize("way", ["header", "query", "first message"])
def test_the_token_may_come_in_three_ways(live: Live, database: Database, role: Role, way: str) -> None:
    token = live.token(make_user(database, role))
    query = f"?token={token}" if way == "query" else ""
    headers = {"Authorization": f"Bearer {token}"} if way == "header" else {}
    with connect(f"ws://{live.address}/ws/sos_events/{query}", additional_headers=headers) as socket:
        if way == "first message":
            socket.send(json.dumps({"token": token}))
        eventually(lambda: live.listeners == 1, "the socket to be let in")
        news = alert()
        live.publish(news)
        assert payload(socket)["event_uid"] == str(news.incident)


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.DRIVER, Role.HELPER])
def test_others_are_turned_away(live: Live, database: Database, role: Role) -> None:
    headers = {"Authorization": f"Bearer {live.token(make_user(database, role))}"}
    with connect(f"ws://{live.address}/ws/sos_events/", additional_headers=headers) as socket:
        assert close_code(socket) == 4403


@pytest.mark.parametrize(
    "said", ["rubbish", '{"token": 7}', "[]", "", b"\xff\x00", '{"token": "a.b.c"}', "[" * 5_000]
)
def test_who_says_no_good_token_first_is_turned_away(live: Live, said: str | bytes) -> None:
    with live.socket() as socket:
        socket.send(said)
        assert close_code(socket) == 4401


def test_who_says_nothing_is_turned_away(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_FIRST_MESSAGE_WITHIN_S", 0.2)
    with live.socket() as socket:
        assert close_code(socket) == 4401


def test_a_header_without_a_good_token_is_turned_away(live: Live) -> None:
    with connect(
        f"ws://{live.address}/ws/sos_events/", additional_headers={"Authorization": "Bearer a.b.c"}
    ) as socket:
        assert close_code(socket) == 4401


def test_who_is_blocked_is_turned_away(live: Live, database: Database, desk: User) -> None:
    with database.transaction() as session:
        session.execute(update(User).where(User.id == desk.id).values(status=UserStatus.BLOCKED))
    headers = {"Authorization": f"Bearer {live.token(desk)}"}
    with connect(f"ws://{live.address}/ws/sos_events/", additional_headers=headers) as socket:
        assert close_code(socket) == 4403


def test_a_page_from_elsewhere_is_turned_away_and_our_own_is_not(live: Live, desk: User) -> None:
    token = live.token(desk)
    with live.socket(token, origin=f"http://{live.address}"):
        pass
    address = f"ws://{live.address}/ws/sos_events/?token={token}"
    with connect(address, origin=Origin("http://evil.example")) as socket:
        assert close_code(socket) == 4403


def test_the_socket_closes_when_the_token_expires(live: Live, desk: User) -> None:
    since = time.monotonic()
    token = live.token(desk, seconds=2)
    with connect(f"ws://{live.address}/ws/sos_events/?token={token}") as socket:
        assert close_code(socket) == 4401
    assert time.monotonic() - since > 0.9  # its end is in whole seconds


def test_a_newer_token_keeps_the_socket_open(live: Live, desk: User) -> None:
    with live.socket(live.token(desk, seconds=4)) as socket:
        socket.send(json.dumps({"token": live.token(desk)}))
        time.sleep(4.2)
        live.publish(alert())
        assert payload(socket)


def test_a_later_token_that_is_not_good_closes_the_socket(live: Live, desk: User) -> None:
    with live.socket(live.token(desk)) as socket:
        socket.send(json.dumps({"token": "a.b.c"}))
        assert close_code(socket) == 4401


@pytest.mark.parametrize("loss", ["blocked", "role", "account"])
def test_the_socket_closes_when_the_right_is_lost(
    live: Live, database: Database, desk: User, loss: str
) -> None:
    with live.socket(live.token(desk)) as socket:
        with database.transaction() as session:
            if loss == "blocked":
                session.execute(update(User).where(User.id == desk.id).values(status=UserStatus.BLOCKED))
            else:
                session.execute(delete(UserRole).where(UserRole.user_id == desk.id))
            if loss == "account":
                session.execute(delete(User).where(User.id == desk.id))
        assert close_code(socket) == (4401 if loss == "account" else 4403)


@pytest.mark.parametrize("token_of_it", ["first", "later"])
def test_the_socket_closes_when_its_login_ends(
    live: Live, database: Database, desk: User, token_of_it: str
) -> None:
    login, at = uuid.uuid4(), datetime.now(UTC)
    with database.transaction() as session:
        sessions.use(session, login, desk.id, client=Client(), at=at)
    token = live.app.state.signer.issue(desk.uuid, session=login, at=at)
    with live.socket(live.token(desk)) as other:
        with live.socket(token if token_of_it == "first" else live.token(desk)) as socket:
            socket.send(json.dumps({"token": token}))
            time.sleep(0.2)
            with database.transaction() as session:
                sessions.end_session(session, desk.id, login, at=at)
            assert close_code(socket) == 4401
        with live.socket() as late:
            late.send(json.dumps({"token": token}))
            assert close_code(late) == 4401
        assert is_quiet(other)


def test_a_desk_is_told_of_its_regions_alone_as_they_are_now(
    live: Live, database: Database, desk: User
) -> None:
    def watch(*regions: str) -> None:
        with database.transaction() as session:
            session.get_one(User, desk.id).alert_regions = list(regions)

    watch("south")
    with live.socket(live.token(desk)) as socket:
        live.publish(alert(region="north"))
        for region in ("south", "default"):
            news = alert(region=region)
            live.publish(news)
            assert payload(socket)["event_uid"] == str(news.incident)
        watch("north")
        (listener,) = live.app.state.audience._listeners
        eventually(lambda: listener.person.regions == {"north"}, "the new regions to count")
        live.publish(alert(region="south"))
        news = alert(region="north")
        live.publish(news)
        assert payload(socket)["event_uid"] == str(news.incident)


def test_what_was_open_before_is_not_told_as_new(live: Live, desk: User) -> None:
    old = alert(opened_at=datetime.now(UTC) - timedelta(hours=1))
    live.hub.board.put(old, retained=True)
    with live.socket(live.token(desk)) as socket:
        live.publish(old)
        assert is_quiet(socket)


def test_across_a_restart_of_the_broker_nothing_is_told_twice_and_nothing_is_missed(
    live: Live, broker: Broker, database: Database, desk: User
) -> None:
    known = report(database, make_device(database), at=datetime.now(UTC)).incident_id
    with live.socket(live.token(desk)) as socket:
        live.tell()
        assert payload(socket)["event_uid"] == str(known)
        broker.stop()
        eventually(lambda: not live.hub.connected, "the hub to notice")
        missed = report(database, make_device(database), at=datetime.now(UTC)).incident_id
        broker.start()
        eventually(lambda: live.notifier.connected, "the notifier to come back")
        live.tell()
        eventually(lambda: live.hub.connected, "the hub to come back")
        told = payload(socket)
        assert (told["event_uid"], told["resolved"]) == (str(missed), False)
        assert is_quiet(socket)
        with database.transaction() as session:
            for incident in (known, missed):
                service.resolve(session, incident, by=desk.id, outcome=Outcome.ASSISTED, at=datetime.now(UTC))
        live.tell()
        ends = [payload(socket) for _ in range(2)]
        assert {each["event_uid"] for each in ends} == {str(known), str(missed)}
        assert all(each["resolved"] for each in ends)


def test_an_end_that_came_while_the_broker_was_away_is_still_told(
    live: Live, broker: Broker, database: Database, desk: User
) -> None:
    incident = report(database, make_device(database), at=datetime.now(UTC)).incident_id
    with live.socket(live.token(desk)) as socket:
        live.tell()
        payload(socket)
        broker.stop()
        eventually(lambda: not live.hub.connected, "the hub to notice")
        with database.transaction() as session:
            service.resolve(session, incident, by=desk.id, outcome=Outcome.ASSISTED, at=datetime.now(UTC))
        broker.start()
        said = payload(socket)
        assert (said["event_uid"], said["resolved"]) == (str(incident), True)
        eventually(lambda: live.notifier.connected, "the notifier to come back")
        live.tell()
        assert is_quiet(socket)


def test_a_broker_that_lost_what_it_retained_ends_nothing(
    live: Live, broker: Broker, database: Database, desk: User
) -> None:
    incident = report(database, make_device(database), at=datetime.now(UTC)).incident_id
    with live.socket(live.token(desk)) as socket:
        live.tell()
        payload(socket)
        broker.stop()
        for left in (broker.server.folder / "data").glob("mosquitto.db*"):
            left.unlink()
        broker.start()
        eventually(lambda: live.hub.connected, "the hub to come back")
        assert is_quiet(socket)
        with database.transaction() as session:
            assert session.get_one(Incident, incident).state == IncidentState.ACTIVE


def test_rubbish_on_an_alert_topic_harms_nobody(live: Live, desk: User) -> None:
    with live.socket(live.token(desk)) as socket:
        topic = topics.alert("default", topics.AlertKind.SOS, uuid.uuid4())
        for rubbish in (b"rubbish", b"\xff", b"{}", b"[]"):
            live.put(topic, rubbish)
        live.put(topic, b"")
        live.put(topics.alert("default", topics.AlertKind.SOS, "no-uuid"), b"x")
        live.put(topics.alert("default", topics.AlertKind.SOS, "no-uuid"), b"")
        news = alert()
        live.publish(news)
        assert payload(socket)["event_uid"] == str(news.incident)


def test_who_does_not_read_is_cut_off_and_costs_nobody_else_a_message(
    live: Live, desk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "_SENT_WITHIN_S", 1.0)
    monkeypatch.setattr(audience, "_BACKLOG", 5)
    host, port = live.address.split(":")
    request = (
        f"GET /ws/sos_events/?token={live.token(desk)} HTTP/1.1\r\nHost: {live.address}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with plain_sockets.socket() as deaf:
        deaf.setsockopt(plain_sockets.SOL_SOCKET, plain_sockets.SO_RCVBUF, 4096)
        deaf.connect((host, int(port)))
        deaf.sendall(request.encode())
        eventually(lambda: live.listeners == 1, "the deaf one to be let in")
        monkeypatch.setattr(audience, "_BACKLOG", 1_000)
        with live.socket(live.token(desk)) as socket:

            def tell_more() -> bool:
                news = alert(uid="w" * 60_000)
                live.publish(news)
                assert payload(socket)["event_uid"] == str(news.incident)
                return live.listeners == 1

            eventually(tell_more, "the deaf one to be cut off")
