"""One's own messages, the apps one is reached by, and what the SMS gateway reports."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from api.app import create_app
from api.settings import ApiSettings
from db import push_tokens
from db.models import Delivery, Message, Notification, PushToken, Timer, User
from db.session import Database
from db.states import WorkStatus
from dispatch import telling
from tests.builders import make_user
from tests.integration.api.speaking import Api, log_in, wrong_fields

TOKEN = "the gateway's own token"


@pytest.fixture
def api(database: Database, settings: ApiSettings) -> Api:
    told = settings.model_copy(update={"sms_hook_token": SecretStr(TOKEN)})
    return Api(create_app(told, database=database))


def tell(api: Api, database: Database, person: User, key: str = "a call") -> Message:
    with database.transaction() as session:
        until_at = api.now() + timedelta(hours=1)
        message = telling.tell(
            session, person, "sos.nudge", key=key, until_at=until_at, at=api.now(), name="Aziza"
        )
    assert message is not None
    return message


def register(api: Api, by: User | str, token: str = "an:app_1") -> int:
    said = {"token": token, "platform": "android"}
    return api.post("/api/v1/push-tokens/", by, json=said).status_code


def live(database: Database, person: User) -> list[str]:
    with database.transaction() as session:
        return [each.token for each in session.scalars(push_tokens.live(person.id))]


def report_back(api: Api, message: UUID, status: str, token: str = TOKEN) -> int:
    return api.post(
        "/api/v1/hooks/sms/receipts/", token, json={"id": str(message), "status": status}
    ).status_code


def kept(database: Database, message: Message) -> Message:
    with database.transaction() as session:
        return session.get_one(Message, message.id)


def test_a_message_is_listed_with_what_it_says_and_confirmed_once(api: Api, database: Database) -> None:
    person = make_user(database)
    message = tell(api, database, person)
    [listed] = api.get("/api/v1/messages/", person).json()["items"]
    assert (listed["id"], listed["kind"], listed["values"]) == (
        str(message.uuid),
        "sos.nudge",
        {"name": "Aziza"},
    )
    assert listed["reply"] == f"m{message.id}"
    assert listed["confirmed_at"] is None
    first = api.post(f"/api/v1/messages/{message.uuid}/seen/", person).json()
    api.later(seconds=5)
    assert api.post(f"/api/v1/messages/{message.uuid}/seen/", person).json() == first
    assert first["confirmed_via"] == "app"
    with database.transaction() as session:
        assert session.scalars(select(Timer.status)).all() == [WorkStatus.CANCELLED]


def test_nobody_confirms_for_another(api: Api, database: Database) -> None:
    message = tell(api, database, make_user(database))
    stranger = make_user(database)
    assert api.post(f"/api/v1/messages/{message.uuid}/seen/", stranger).status_code == 404
    assert api.get("/api/v1/messages/", stranger).json()["items"] == []
    assert kept(database, message).confirmed_at is None


def test_messages_come_in_pages_newest_first(api: Api, database: Database) -> None:
    person = make_user(database)
    told = [str(tell(api, database, person, key=f"call {number}").uuid) for number in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get("/api/v1/messages/", person, params={"limit": 2} | cursor).json()
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == told[::-1]


def test_a_message_whose_words_were_erased_is_listed_without_them(api: Api, database: Database) -> None:
    person = make_user(database)
    message = tell(api, database, person)
    with database.transaction() as session:
        session.get_one(Message, message.id).sealed = ""
    [listed] = api.get("/api/v1/messages/", person).json()["items"]
    assert listed["values"] == {}


def test_an_app_reaches_whoever_registered_it_last(api: Api, database: Database) -> None:
    first, second = make_user(database), make_user(database)
    assert register(api, first) == 201
    assert register(api, second) == 201
    assert (live(database, first), live(database, second)) == ([], ["an:app_1"])
    assert api.call("DELETE", "/api/v1/push-tokens/an:app_1/", first).status_code == 204
    assert live(database, second) == ["an:app_1"]
    assert api.call("DELETE", "/api/v1/push-tokens/an:app_1/", second).status_code == 204
    assert live(database, second) == []


def test_an_app_that_was_dropped_comes_back_by_registering(api: Api, database: Database) -> None:
    person = make_user(database)
    register(api, person)
    with database.transaction() as session:
        app = session.scalars(select(PushToken)).one()
        push_tokens.drop(session, app.token, why="x", registered_at=app.registered_at, at=api.now())
    assert live(database, person) == []
    register(api, person)
    assert live(database, person) == ["an:app_1"]


def test_a_logout_ends_the_app_of_that_login_alone(api: Api, database: Database) -> None:
    person = make_user(database)
    here, there = log_in(api, database, person), log_in(api, database, person)
    register(api, here.access, "here")
    register(api, there.access, "there")
    api.post("/api/v1/auth/logout/", here.access)
    assert live(database, person) == ["there"]


def test_the_newest_twenty_apps_of_somebody_are_kept(api: Api, database: Database) -> None:
    person = make_user(database)
    for number in range(push_tokens.MOST + 1):
        api.later(seconds=1)
        register(api, person, f"app-{number}")
    assert len(live(database, person)) == push_tokens.MOST
    assert "app-0" not in live(database, person)


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "a/b", "é", 1025 * "x"])
def test_a_token_that_is_none_of_firebase_is_refused(api: Api, database: Database, token: str) -> None:
    answer = api.post(
        "/api/v1/push-tokens/", make_user(database), json={"token": token, "platform": "android"}
    )
    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == {"token"}


def test_a_delivered_short_message_counts_as_confirmed(api: Api, database: Database) -> None:
    message = tell(api, database, make_user(database))
    assert report_back(api, message.uuid, "sent") == 204
    assert kept(database, message).confirmed_at is None
    assert report_back(api, message.uuid, "DELIVERED") == 204
    assert report_back(api, message.uuid, "DELIVERED") == 204
    assert kept(database, message).confirmed_via == "sms"
    with database.transaction() as session:
        assert set(session.scalars(select(Delivery.answer))) == {"receipt: DELIVERED"}


@pytest.mark.parametrize("status", ["undelivered", "failed", "rejected", "expired"])
def test_a_short_message_that_was_lost_hands_over_at_once(api: Api, database: Database, status: str) -> None:
    message = tell(api, database, make_user(database))
    assert report_back(api, message.uuid, status) == 204
    with database.transaction() as session:
        assert session.scalars(select(Timer.due_at)).one() <= api.now()
        assert kept(database, message).confirmed_at is None


def test_a_receipt_for_what_nobody_waits_for_changes_nothing(api: Api, database: Database) -> None:
    assert report_back(api, uuid4(), "delivered") == 204
    with database.transaction() as session:
        assert session.scalars(select(Notification)).all() == []


@pytest.mark.parametrize("token", ["", "wrong", "Bearer"])
def test_only_the_gateway_reports(api: Api, database: Database, token: str) -> None:
    message = tell(api, database, make_user(database))
    assert report_back(api, message.uuid, "delivered", token) == 401
    assert kept(database, message).confirmed_at is None


@pytest.mark.parametrize("token", [None, SecretStr("")])
def test_without_a_token_in_the_settings_nobody_reports(
    database: Database, settings: ApiSettings, token: SecretStr | None
) -> None:
    told = settings.model_copy(update={"sms_hook_token": token})
    api = Api(create_app(told, database=database))
    for shown in ("None", "", " "):
        assert report_back(api, uuid4(), "delivered", shown) == 401
