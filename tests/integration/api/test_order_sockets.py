"""The documented sockets of orders, on a real server and a real database."""

import json
import socket as plain_sockets
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import event, select, update
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from api import app as application
from api.__main__ import make_server
from api.accounts.service import Person, find_person
from api.orders import looks, watching
from api.orders.interests import sees
from api.orders.rights import acted_on_by
from api.orders.sights import Ask
from api.settings import ApiSettings
from db.bell import Bell
from db.models import Order, OrderMessage, User, Vehicle
from db.session import Database
from db.settings import DatabaseSettings
from db.states import OrderState, Role, UserStatus
from tests.builders import make_user
from tests.integration.api.speaking import serve
from tests.maps import make_region
from tests.onlooking import ask, decline, make_jasur, on_its_way, stand, tow
from tests.ordering import advance, assign, place_order, release
from tests.servers import WAIT_S, eventually


class Live:
    """A running API, and everybody who speaks to it."""

    def __init__(self, settings: ApiSettings, database: Database) -> None:
        self.address = f"127.0.0.1:{settings.api_port}"
        # It is closed with the server.
        own = Database(DatabaseSettings(database_url=SecretStr(database.url)))
        self.app = serve(settings, own).app
        self.server = make_server(self.app, settings)

    @property
    def watching(self) -> int:
        count: int = self.app.state.onlookers.count().total()
        return count

    def token(self, user: User) -> str:
        token: str = self.app.state.signer.issue(user.uuid, at=datetime.now(UTC))
        return token

    @contextmanager
    def socket(self, path: str, user: User) -> Iterator[ClientConnection]:
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        with connect(f"ws://{self.address}{path}", additional_headers=headers) as socket:
            yield socket


@pytest.fixture
def live(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setattr(application, "_RIGHTS_S", 0.2)
    listening = plain_sockets.create_server(("127.0.0.1", 0))
    settings = ApiSettings(
        secret=SecretStr("a secret of this test alone"), mqtt_port=1, api_port=listening.getsockname()[1]
    )
    live = Live(settings, database)
    thread = threading.Thread(target=live.server.run, args=[[listening]])
    thread.start()
    try:
        eventually(lambda: live.server.started, "the api to start")
        yield live
    finally:
        live.server.should_exit = True
        thread.join(WAIT_S)
        assert not thread.is_alive()


@pytest.fixture
def order(database: Database, aziza: User, jasur: User) -> Order:
    """An order on its way."""
    return on_its_way(database, aziza, jasur, at=now())


def now() -> datetime:
    return datetime.now(UTC)


def hear(socket: ClientConnection, **like: Any) -> dict[str, Any]:
    """The next message that says this; what comes before it is passed over."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        said: dict[str, Any] = json.loads(socket.recv(timeout=WAIT_S))
        if like.items() <= said.items():
            return said
    raise AssertionError(f"nobody said {like}")


def requests(live: Live, path: str, user: User) -> dict[str, Any]:
    """What a route answers."""
    answer = httpx2.get(
        f"http://{live.address}{path}", headers={"Authorization": f"Bearer {live.token(user)}"}
    )
    found: dict[str, Any] = answer.json()
    return found


def close_code(socket: ClientConnection) -> int | None:
    try:
        while True:
            socket.recv(timeout=WAIT_S)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def truck_of(database: Database, driver: User) -> int:
    with database.transaction() as session:
        return session.scalars(select(Vehicle.id).where(Vehicle.driver_id == driver.id)).one()


def test_a_customer_sees_the_truck_come_by_every_way_it_says_where_it_is(
    live: Live, database: Database, aziza: User, jasur: User, order: Order
) -> None:
    said_at = now() - timedelta(seconds=10)
    stand(database, jasur, 41.32, 69.24, at=said_at)
    with live.socket(f"/ws/orders/{order.id}/location/", aziza) as socket:
        first = hear(socket)
        assert first["location"] == {"latitude": 41.32, "longitude": 69.24, "accuracy_m": None}
        assert first["order_id"] == order.id
        assert first["tow_truck_id"] == truck_of(database, jasur)
        assert datetime.fromisoformat(first["updated_at"]) == said_at
        assert first["stale"] is False
        assert first["age_s"] >= 10
        assert 0 < first["eta_s"] < 600
        stand(database, jasur, 41.315, 69.24, at=now())
        second = hear(socket)
        assert second["location"]["latitude"] == 41.315
        assert second["eta_s"] < first["eta_s"]


def test_a_place_that_was_old_all_along_is_told_as_stale(
    live: Live, database: Database, aziza: User, jasur: User, order: Order
) -> None:
    stand(database, jasur, 41.32, 69.24, at=now() - timedelta(minutes=10))
    with live.socket(f"/ws/orders/{order.id}/location/", aziza) as socket:
        said = hear(socket)
        assert (said["stale"], said["eta_s"]) == (True, None)
        assert said["age_s"] >= 600


def test_a_tow_truck_is_watched_by_whom_it_comes_to_until_it_goes_elsewhere(
    live: Live, database: Database, aziza: User, jasur: User, order: Order
) -> None:
    stand(database, jasur, 41.32, 69.24, at=now())
    path = f"/ws/tow-trucks/{truck_of(database, jasur)}/location/"
    with live.socket(path, aziza) as socket, live.socket(path, jasur) as own:
        for each in (socket, own):
            assert hear(each)["tow_truck_id"] == truck_of(database, jasur)
        release(database, order, at=now())
        assert close_code(socket) == 4403
        stand(database, jasur, 41.33, 69.24, at=now())
        hear(own, order_id=None)


def test_an_order_is_told_as_it_stands_and_with_each_change(
    live: Live, database: Database, aziza: User, jasur: User
) -> None:
    order = assign(database, place_order(database, aziza, at=now()), jasur, at=now())
    path = f"/ws/orders/{order.id}/"
    with live.socket(path, aziza) as hers, live.socket(path, jasur) as his:
        for each in (hers, his):
            assert hear(each, type="order_update")["data"]["id"] == order.id
        advance(database, order, OrderState.ARRIVED, at=now())
        to_her, to_him = (hear(each, type="order_update")["data"] for each in (hers, his))
        assert (to_her["driver"]["name"], to_her["driver"]["phone"]) == ("Jasur", jasur.phone)
        assert (to_him["passenger"]["full_name"], to_him["passenger"]["phone"]) == ("Aziza", aziza.phone)
        assert (to_him["status"], to_him["state"]) == ("arrived_waiting", "arrived")
        shown = requests(live, f"/api/orders/{order.id}/", aziza)
        assert {name: to_her[name] for name in shown} == shown
        hers.send(json.dumps({"type": "ping"}))
        hear(hers, type="pong")


def test_a_driver_is_offered_an_order_without_being_told_whose_it_is(
    live: Live, database: Database, aziza: User, jasur: User
) -> None:
    with live.socket(f"/ws/drivers/{jasur.id}/", jasur) as socket:
        eventually(lambda: live.watching == 1, "the driver to be let in")
        order = tow(database, aziza, at=now())
        asked = ask(database, order, jasur, at=now())
        said = hear(socket, type="new_order")
        assert said["data"]["offer_id"] == str(asked.uuid)
        assert "Aziza" not in json.dumps(said)
        assert "Amir Temur" not in json.dumps(said)
        assert "41.311" not in json.dumps(said)
        decline(database, asked, at=now())
        assert hear(socket, type="offer_ended")["data"]["offer"] == "declined"


def test_a_passenger_is_told_of_all_their_orders(
    live: Live, database: Database, aziza: User, jasur: User, order: Order
) -> None:
    with live.socket(f"/ws/passengers/{aziza.id}/", aziza) as socket:
        assert hear(socket, type="order_update")["data"]["id"] == order.id
        other = tow(database, aziza, at=now())
        assert hear(socket, type="order_update")["data"]["id"] == other.id
        stand(database, jasur, 41.32, 69.24, at=now())
        assert hear(socket, type="location")["data"]["order_id"] == order.id


def test_an_assistant_is_told_of_a_new_request_as_documented(
    live: Live, database: Database, aziza: User, jasur: User
) -> None:
    with live.socket(f"/ws/assistant/{jasur.id}/", jasur) as socket:
        order = tow(database, aziza, at=now())
        ask(database, order, jasur, at=now())
        said = hear(socket)
        assert said["type"] == "new_assistance_request"
        assert said["assistance_id"] == order.id
        assert said["pickup_location"] == {"lat": 41.31, "lng": 69.24}
        assert said["client"] == {"id": aziza.id, "name": "Aziza"}


def test_both_sides_of_an_assistance_see_where_the_other_is_and_talk(
    live: Live, database: Database, aziza: User, jasur: User, order: Order
) -> None:
    path = f"/ws/assistance/{order.id}/"
    with live.socket(path, aziza) as client, live.socket(path, jasur) as assistant:
        for each in (client, assistant):
            said = hear(each, type="status")
            assert said["status"] == "accepted"
            assert said["assistant"] == {"id": jasur.id, "name": "Jasur"}
            assert said["client"] == {"id": aziza.id, "name": "Aziza"}
        assistant.send(json.dumps({"type": "location", "lat": 41.32, "lng": 69.24, "user_id": jasur.id}))
        seen = hear(client, type="location")
        assert (seen["lat"], seen["lng"], seen["user_id"]) == (41.32, 69.24, jasur.id)
        client.send(json.dumps({"type": "location", "lat": 41.3111, "lng": 69.2406}))
        seen = hear(assistant, type="location", user_id=aziza.id)
        assert (seen["lat"], seen["lng"]) == (41.3111, 69.2406)
        client.send(json.dumps({"type": "chat", "message": " By the blue gate ", "sender": "the President"}))
        for each in (client, assistant):
            said = hear(each, type="chat")
            assert (said["message"], said["sender"], said["past"]) == ("By the blue gate", "Aziza", False)
        advance(database, order, OrderState.IN_PROGRESS, at=now())
        assert hear(client, type="status")["status"] == "ongoing"
        advance(database, order, OrderState.COMPLETED, at=now())
        assert hear(client, type="status")["status"] == "completed"
    with live.socket(path, aziza) as late:
        assert hear(late, type="chat")["past"] is True
    with database.transaction() as session:
        known = session.scalars(select(OrderMessage.id)).one()
    with live.socket(f"{path}?after={known}", aziza) as later:
        later.send(json.dumps({"type": "chat", "message": "Thank you"}))
        assert hear(later, type="chat")["message"] == "Thank you"


@pytest.mark.parametrize(
    "said",
    [
        "rubbish",
        "[]",
        '{"type": "dance"}',
        '{"type": "location", "lat": 91, "lng": 0}',
        '{"type": "location", "lat": true, "lng": 0}',
        '{"type": "chat", "message": "  "}',
        '{"type": "chat", "message": "\\u0000"}',
        json.dumps({"type": "chat", "message": "x" * 1001}),
        '{"type": "location", "lat": 1, "lng": 1, "user_id": 1}',
        b"\xff",
        "[" * 5_000,
    ],
)
def test_what_cannot_be_read_is_answered_and_the_socket_goes_on(
    live: Live, jasur: User, order: Order, said: str | bytes
) -> None:
    with live.socket(f"/ws/assistance/{order.id}/", jasur) as socket:
        socket.send(said)
        assert hear(socket, type="error")["message"]
        socket.send(json.dumps({"type": "chat", "message": "Still here"}))
        assert hear(socket, type="chat")["message"] == "Still here"


def test_what_is_said_after_the_end_is_refused_in_words(
    live: Live, database: Database, jasur: User, order: Order
) -> None:
    advance(database, order, OrderState.COMPLETED, at=now())
    with live.socket(f"/ws/assistance/{order.id}/", jasur) as socket:
        socket.send(json.dumps({"type": "location", "lat": 41.3, "lng": 69.2}))
        assert "has ended" in hear(socket, type="error")["message"]


SOCKETS = """
path                            nobodys customer driver another desk far_desk admin
/ws/orders/{order}/location/    4404    open     open   4404   open 4404     open
/ws/orders/{order}/             4404    open     open   4404   open 4404     open
/ws/assistance/{order}/         4404    open     open   4404   open 4404     open
/ws/tow-trucks/{truck}/location/ 4404   open     open   4404   open open     open
/ws/drivers/{driver}/           4404    4404     open   4404   open open     open
/ws/assistant/{driver}/         4404    4404     open   4404   open open     open
/ws/passengers/{customer}/      4404    open     4404   4404   open open     open
"""


@pytest.mark.parametrize("line", SOCKETS.strip().splitlines()[1:], ids=lambda line: line.split()[0])
def test_everybody_watches_what_the_table_says(
    live: Live, database: Database, aziza: User, jasur: User, line: str
) -> None:
    path, *rights = line.split()
    south = make_region(database, "south")
    order = lie_in(database, on_its_way(database, aziza, jasur, at=now()), south)
    callers = {
        "nobodys": make_user(database),
        "customer": aziza,
        "driver": jasur,
        "another": make_jasur(database, "Bek Umarov"),
        "desk": desk_of(database, south),
        "far_desk": desk_of(database, make_region(database, "north")),
        "admin": make_user(database, Role.ADMIN),
    }
    named = path.format(order=order.id, truck=truck_of(database, jasur), driver=jasur.id, customer=aziza.id)
    with ExitStack() as open_:
        sockets = {who: open_.enter_context(live.socket(named, user)) for who, user in callers.items()}
        head = SOCKETS.strip().splitlines()[0].split()[1:]
        for who, right in sorted(zip(head, rights, strict=True), key=lambda each: each[1]):
            # Who is sent away is waited for; by then the others have been looked at as well.
            found = close_code(sockets[who]) if right != "open" else state_of(sockets[who])
            assert str(found) == right, who


def lie_in(database: Database, order: Order, region: str) -> Order:
    with database.transaction() as session:
        session.get_one(Order, order.id).region = region
    return order


def desk_of(database: Database, region: str) -> User:
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        session.get_one(User, desk.id).alert_regions = [region]
    return desk


def state_of(socket: ClientConnection) -> str:
    """Whether a socket is open, or with which code it was closed."""
    try:
        while True:
            socket.recv(timeout=0.05)
    except TimeoutError:
        return "open"
    except ConnectionClosed as closed:
        return str(closed.rcvd.code if closed.rcvd else None)


LOOKS: list[Ask] = []


@pytest.fixture(autouse=True)
def _count_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    LOOKS.clear()
    take = looks.take

    def counted(session: Any, ask: Ask, *, at: datetime) -> Any:
        LOOKS.append(ask)
        return take(session, ask, at=at)

    monkeypatch.setattr(looks, "take", counted)


@pytest.mark.parametrize("path", ["/ws/orders/99999999/", "/ws/tow-trucks/99999999/location/"])
def test_what_is_not_there_is_as_what_is_not_theirs(live: Live, aziza: User, path: str) -> None:
    with live.socket(path, aziza) as socket:
        assert close_code(socket) == 4404


def test_a_driver_who_gives_it_back_sees_no_more_of_it(
    live: Live, database: Database, jasur: User, order: Order
) -> None:
    of_it, of_his = f"/ws/orders/{order.id}/", f"/ws/drivers/{jasur.id}/"
    with live.socket(of_it, jasur) as one, live.socket(of_his, jasur) as every:
        hear(one, type="order_update")
        hear(every, type="order_update")
        release(database, order, at=now())
        assert close_code(one) == 4403
        assert hear(every, type="order_gone")["data"] == {"order_id": order.id}


def test_who_is_blocked_watches_no_longer(live: Live, database: Database, aziza: User, order: Order) -> None:
    with live.socket(f"/ws/orders/{order.id}/", aziza) as socket:
        hear(socket)
        with database.transaction() as session:
            session.execute(update(User).where(User.id == aziza.id).values(status=UserStatus.BLOCKED))
        assert close_code(socket) == 4403


def test_a_change_rings_the_bell_and_is_told_before_the_next_look_is_due(
    live: Live, database: Database, aziza: User, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live.socket(f"/ws/orders/{order.id}/", aziza) as socket:
        hear(socket, type="order_update")
        monkeypatch.setattr(watching, "_EVERY_S", 3_600.0)
        time.sleep(1.5)  # the wait that has begun is a second still
        advance(database, order, OrderState.ARRIVED, at=now())
        hear(socket, type="order_update")


def test_without_the_bell_a_look_each_second_finds_it(
    live: Live, database: Database, aziza: User, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(self: Bell, timeout_s: float) -> bool:
        time.sleep(timeout_s)
        return False

    monkeypatch.setattr(Bell, "wait", deaf)
    with live.socket(f"/ws/orders/{order.id}/", aziza) as socket:
        hear(socket, type="order_update")
        advance(database, order, OrderState.ARRIVED, at=now())
        hear(socket, type="order_update")


def test_while_nobody_watches_nobody_looks(live: Live, aziza: User, order: Order) -> None:
    with live.socket(f"/ws/orders/{order.id}/", aziza) as socket:
        hear(socket, type="order_update")
    eventually(lambda: live.watching == 0, "the socket to be gone")

    def is_quiet() -> bool:
        before = len(LOOKS)
        time.sleep(2.5)
        return len(LOOKS) == before

    eventually(is_quiet, "nobody to look")


def test_however_many_watch_a_look_takes_the_same_few_queries(
    database: Database, aziza: User, jasur: User, order: Order
) -> None:
    orders = [order.id, *(tow(database, aziza, at=now()).id for _ in range(10))]

    def count(ask: Ask) -> int:
        asked: list[str] = []

        def note(_c: object, _cur: object, statement: str, *_: object) -> None:
            asked.append(statement)

        with database.transaction() as session:
            session.connection()
            event.listen(database.engine, "before_cursor_execute", note)
            try:
                looks.take(session, ask, at=now())
            finally:
                event.remove(database.engine, "before_cursor_execute", note)
        return len(asked)

    one = count(Ask(orders={order.id}, drivers={jasur.id}, chats={order.id: 0}))
    chats = dict.fromkeys(orders, 0)
    many = count(Ask(orders=set(orders), customers={aziza.id}, drivers={jasur.id}, chats=chats))
    assert one == many
    assert many <= 6


def test_one_rule_says_who_sees_an_order_whether_it_is_asked_in_a_query_or_not(
    database: Database, aziza: User, jasur: User
) -> None:
    south, north = make_region(database, "south"), make_region(database, "north")
    people = [
        aziza,
        jasur,
        make_user(database),
        make_user(database, Role.ADMIN),
        make_user(database, Role.DISPATCHER),
        desk_of(database, south),
        desk_of(database, north),
    ]
    orders = {
        lie_in(database, tow(database, aziza, at=now()), region).id for region in (south, north, "default")
    }
    orders.add(lie_in(database, on_its_way(database, aziza, jasur, at=now()), north).id)
    with database.transaction() as session:
        found = looks.take(session, Ask(orders=orders), at=now()).orders
        for user in people:
            person: Person | None = find_person(session, user.uuid)
            assert person is not None
            by_query = set(session.scalars(select(Order.id).where(acted_on_by(person))))
            assert by_query == {each.id for each in found.values() if sees(person, each)}


def test_what_fails_for_one_costs_nobody_else_a_message(
    live: Live, database: Database, aziza: User, jasur: User, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/ws/orders/{order.id}/"
    with live.socket(path, aziza) as broken, live.socket(path, jasur) as well:
        hear(broken, type="order_update")
        hear(well, type="order_update")
        (listener,) = [each for each in live.app.state.onlookers if each.person.id == aziza.id]
        monkeypatch.setattr(listener, "_render", lambda *_: 1 / 0)
        advance(database, order, OrderState.ARRIVED, at=now())
        assert close_code(broken) == 1011
        hear(well, type="order_update")
        advance(database, order, OrderState.IN_PROGRESS, at=now())
        hear(well, type="order_update")
