"""Admins keep webhooks: made, changed, rotated, looked into, replayed."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import select

from api.app import create_app
from api.settings import ApiSettings
from db import webhooks
from db.models import AuditEntry, Notification, User, Webhook
from db.seal import Seal
from db.session import Database
from db.states import Role
from dispatch import relay as dispatch_relay
from notifier import relay
from notifier.channels.webhook import Webhooks
from tests.builders import TASHKENT, make_device, make_user, report
from tests.integration.api.speaking import Api, wrong_fields
from tests.integration.notifier.providers import sms_gateway

LOOPBACK = ip_network("127.0.0.0/8")


@pytest.fixture
def settings(settings: ApiSettings) -> ApiSettings:
    return settings.model_copy(update={"webhook_networks": frozenset({LOOPBACK})})


@pytest.fixture
def admin(database: Database) -> User:
    return make_user(database, Role.ADMIN)


def create(api: Api, admin: User, **said: Any) -> dict[str, Any]:
    answer = api.post("/api/v1/webhooks/", admin, json={"url": "http://127.0.0.1:9/"} | said)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_the_secret_is_shown_once_and_lies_nowhere_in_clear(
    api: Api, database: Database, admin: User
) -> None:
    made = create(api, admin, events=["sos.*", "sos.*"])
    assert made["secret"].startswith("whsec_")
    assert made["events"] == ["sos.*"]
    shown = api.get(f"/api/v1/webhooks/{made['id']}/", admin).json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert api.get("/api/v1/webhooks/", admin).json() == [shown]
    with database.transaction() as session:
        assert made["secret"] not in session.scalars(select(Webhook.sealed_secret)).one()
        [line] = session.scalars(select(AuditEntry))
        assert line.action == "webhook.created"
        assert made["secret"] not in str(line.detail)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "http://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:192.168.0.1]/",
        "https://localhost/",
        "https://user:word@1.1.1.1/",
        "http://1.1.1.1/",
        "ftp://1.1.1.1/",
        "nonsense",
    ],
)
def test_an_address_that_is_none_of_others_is_refused(database: Database, admin: User, url: str) -> None:
    api = Api(create_app(ApiSettings(secret="x" * 16, mqtt_port=1), database=database))
    answer = api.post("/api/v1/webhooks/", admin, json={"url": url})
    assert (answer.status_code, set(wrong_fields(answer))) == (422, {"url"}), answer.text
    assert api.get("/api/v1/webhooks/", admin).json() == []


def test_an_address_is_checked_when_it_is_changed_too(api: Api, admin: User) -> None:
    made = create(api, admin)
    answer = api.call("PATCH", f"/api/v1/webhooks/{made['id']}/", admin, json={"url": "https://10.0.0.1/"})
    assert (answer.status_code, set(wrong_fields(answer))) == (422, {"url"})


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"events": ["SOS"]}, "events.0"),
        ({"events": ["sos.*.x"]}, "events.0"),
        ({"region": "nowhere"}, "region"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_what_is_not_understood_is_refused(api: Api, admin: User, said: dict[str, Any], wrong: str) -> None:
    answer = api.post("/api/v1/webhooks/", admin, json={"url": "http://127.0.0.1/"} | said)
    assert (answer.status_code, set(wrong_fields(answer))) == (422, {wrong})


@pytest.mark.parametrize("name", ["url", "events", "active"])
def test_what_it_cannot_be_without_is_not_taken_away(api: Api, admin: User, name: str) -> None:
    made = create(api, admin)
    answer = api.call("PATCH", f"/api/v1/webhooks/{made['id']}/", admin, json={name: None})
    assert (answer.status_code, set(wrong_fields(answer))) == (422, {name})


def test_switched_on_again_it_starts_with_a_clean_record(api: Api, database: Database, admin: User) -> None:
    made = create(api, admin)
    with database.transaction() as session:
        webhook = session.scalars(select(Webhook)).one()
        webhook.active, webhook.disabled_why, webhook.failing_since = False, "HTTP 500", api.now()
    path = f"/api/v1/webhooks/{made['id']}/"
    assert api.get(path, admin).json()["disabled_why"] == "HTTP 500"
    changed = api.call("PATCH", path, admin, json={"active": True, "region": "default"}).json()
    assert (changed["active"], changed["disabled_why"], changed["failing_since"]) == (True, None, None)
    assert changed["region"] == "default"


def test_a_new_secret_goes_beside_the_one_before(
    api: Api, database: Database, admin: User, settings: ApiSettings
) -> None:
    made = create(api, admin)
    rotated = api.post(f"/api/v1/webhooks/{made['id']}/rotate/", admin).json()
    assert rotated["secret"] != made["secret"]
    with database.transaction() as session:
        sealed = session.scalars(select(Webhook.sealed_secret)).one()
    seal = Seal(settings.derive("webhooks"))
    assert len(webhooks.signing(seal, sealed, at=api.now())) == 2
    assert len(webhooks.signing(seal, sealed, at=api.now() + timedelta(days=2))) == 1


def test_a_delivery_is_the_incident_as_the_api_shows_it_and_can_be_replayed(
    api: Api, database: Database, admin: User, settings: ApiSettings
) -> None:
    with sms_gateway() as receiver:
        path = f"/api/v1/webhooks/{create(api, admin, url=receiver.url, events=['sos.opened'])['id']}/"
        device = make_device(database, make_user(database))
        incident = report(database, device, at=datetime.now(UTC), **TASHKENT).incident_id
        shown = api.get(f"/api/v1/incidents/{incident}/", admin).json()
        while dispatch_relay.turn(database, at=api.now()):
            pass
        channel = Webhooks(Seal(settings.derive("webhooks")), allowed=[LOOPBACK])
        receiver.answers = [(400, "no")]
        relay.turn(database, {"webhook": channel}, at=api.now(), limit=1)
        [delivery] = api.get(f"{path}deliveries/", admin).json()["items"]
        assert (delivery["type"], delivery["status"]) == ("sos.opened", "waiting")
        assert [(each["ok"], each["answer"]) for each in delivery["attempts"]] == [(False, "HTTP 400 no")]
        again = api.post(f"{path}deliveries/{delivery['id']}/replay/", admin)
        assert again.status_code == 202
        assert again.json()["message"] == delivery["message"]
        relay.turn(database, {"webhook": channel}, at=api.now(), limit=1)
        assert receiver.raw[0] == receiver.raw[1]
        [newest, _] = api.get(f"{path}deliveries/", admin).json()["items"]
        assert (newest["id"], newest["status"]) == (again.json()["id"], "done")
        _, body = receiver.seen[0]
    told = {name: _alike(value) for name, value in body["data"].items()}
    assert told == {name: _alike(shown[name]) for name in told}
    assert {"id", "state", "wearer", "place", "exercise", "duress"} <= set(told)


def _alike(value: Any) -> Any:
    """Times are written with Z or with +00:00, and mean the same."""
    if isinstance(value, dict):
        return {name: _alike(each) for name, each in value.items()}
    return value.replace("+00:00", "Z") if isinstance(value, str) else value


def test_what_is_switched_off_or_unknown_is_not_replayed(api: Api, database: Database, admin: User) -> None:
    made = create(api, admin)
    path = f"/api/v1/webhooks/{made['id']}/"
    assert api.post(f"{path}deliveries/1/replay/", admin).status_code == 404
    api.call("PATCH", path, admin, json={"active": False})
    assert api.post(f"{path}deliveries/1/replay/", admin).status_code == 409


def test_what_was_on_its_way_to_a_removed_webhook_is_given_up(
    api: Api, database: Database, admin: User, settings: ApiSettings
) -> None:
    path = f"/api/v1/webhooks/{create(api, admin, events=['sos.opened'])['id']}/"
    report(database, make_device(database), at=datetime.now(UTC))
    while dispatch_relay.turn(database, at=api.now()):
        pass
    assert api.call("DELETE", path, admin).status_code == 204
    assert api.get(path, admin).status_code == 404
    relay.turn(database, {"webhook": Webhooks(Seal(settings.derive("webhooks")))}, at=api.now())
    with database.transaction() as session:
        [error] = session.scalars(select(Notification.last_error).where(Notification.kind == "webhook"))
    assert error == "the webhook was removed"
