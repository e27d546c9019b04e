"""A dispatcher's broker access from the counter to the real broker: given, renewed, limited, taken."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from api.settings import ApiSettings
from broker import topics
from broker.client import Connection
from broker.topics import AlertKind, Service
from db.models import Region, User
from db.session import Database
from db.states import Role
from tests.builders import make_user
from tests.integration.api.speaking import Api, serve
from tests.servers import WAIT_S, Broker, eventually

pytestmark = pytest.mark.usefixtures("keeper")

Connect = Callable[..., Any]
OWN = "/api/v1/dispatchers/me/mqtt/"


@pytest.fixture
def api(database: Database) -> Api:
    return serve(ApiSettings(secret=SecretStr("a secret of this test alone"), mqtt_port=1), database)


@pytest.fixture
def admin(database: Database) -> User:
    return make_user(database, Role.ADMIN)


@pytest.fixture
def desk(database: Database) -> User:
    return make_user(database, Role.DISPATCHER)


def sit_down(api: Api, desk: User, station: Connect) -> Any:
    """The dispatcher's own client, connected with what the counter gave."""
    given = api.post(OWN, desk).json()
    found: list[Any] = []

    def gets_in() -> bool:
        found.append(station(given["username"], given["password"], client_id=given["client_id"]))
        return bool(found[-1].is_in)

    eventually(gets_in, "the dispatcher to get in")
    return found[-1]


@pytest.mark.parametrize("loss", ["role taken", "blocked", "given up", "taken by an admin", "renewed"])
def test_who_loses_the_access_is_cut_off(
    api: Api, admin: User, desk: User, station: Connect, loss: str
) -> None:
    connected = sit_down(api, desk, station)
    user = f"/api/v1/users/{desk.uuid}"
    answer = {
        "role taken": lambda: api.call("DELETE", f"{user}/roles/dispatcher/", admin),
        "blocked": lambda: api.post(f"{user}/block/", admin),
        "given up": lambda: api.call("DELETE", OWN, desk),
        "taken by an admin": lambda: api.call("DELETE", f"{user}/mqtt/", admin),
        "renewed": lambda: api.post(OWN, desk),
    }[loss]()
    assert answer.is_success, answer.text
    eventually(lambda: connected.lost_at is not None, "the cut")


def test_who_keeps_another_role_at_the_desk_stays_connected(
    api: Api, admin: User, desk: User, station: Connect
) -> None:
    connected = sit_down(api, desk, station)
    api.call("PUT", f"/api/v1/users/{desk.uuid}/roles/admin/", admin)
    api.call("DELETE", f"/api/v1/users/{desk.uuid}/roles/dispatcher/", admin)
    connected.listen("mayday/v1/alerts/#")
    assert connected.lost_at is None


def test_it_reads_the_alerts_of_its_regions_and_writes_nothing(
    broker: Broker, api: Api, database: Database, admin: User, desk: User, station: Connect
) -> None:
    with database.transaction() as session:
        session.add_all([Region(slug="north", name="North"), Region(slug="south", name="South")])
    regions = f"/api/v1/users/{desk.uuid}/regions/"
    assert api.call("PUT", regions, admin, json={"regions": ["south"]}).is_success
    connected = sit_down(api, desk, station)
    connected.listen("mayday/v1/alerts/#", "mayday/v1/dev/#")
    connected.say(topics.alert("south", AlertKind.SOS, "forged"))
    with Connection("test-access", Service.NOTIFIER, broker.settings) as notifier:
        notifier.wait_connected(WAIT_S)
        for region in ("north", "default", "south"):
            notifier.publish(topics.alert(region, AlertKind.SOS, "1"), b"{}").wait(WAIT_S)
    connected.hears("mayday/v1/alerts/south/sos/1")
    # Beside what other tests left retained.
    said_here = ("/1", "/forged")
    assert [topic for topic, _ in connected.heard() if topic.endswith(said_here)] == [
        "mayday/v1/alerts/default/sos/1",
        "mayday/v1/alerts/south/sos/1",
    ]
