"""Push by Google's own library, to a double of Google's service that speaks its protocol."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from google.auth.credentials import CredentialsWithRegionalAccessBoundary
from pydantic import AnyHttpUrl, SecretStr, ValidationError
from sqlalchemy import select
from structlog.testing import capture_logs

from broker.settings import derive_secret
from db import push_tokens
from db.models import Contact, Delivery, LoginSession, Message, Notification, PushToken, User
from db.seal import Seal
from db.session import Database
from db.states import WorkStatus
from dispatch import relay as dispatch_relay
from dispatch import telling
from notifier import relay
from notifier.channels import firebase
from notifier.channels.push import Push
from notifier.settings import NotifierSettings
from tests.builders import make_contact, make_device, make_user, report
from tests.integration.notifier.providers import Fcm, push_service

SECOND = timedelta(seconds=1)

# The library would rather have ids of installations; what apps register are still tokens.
pytestmark = pytest.mark.filterwarnings("ignore:Message.token is deprecated:DeprecationWarning")


@pytest.fixture
def fcm() -> Iterator[Fcm]:
    with push_service() as found:
        yield found


@pytest.fixture
def push(fcm: Fcm, tmp_path: Path) -> Push:
    return Push(seal(), firebase.connect(fcm.account(tmp_path), url=AnyHttpUrl(fcm.url)))


@pytest.fixture(autouse=True)
def _ask_google_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside logging in, its library asks in which regions the account may be used."""
    monkeypatch.setattr(
        CredentialsWithRegionalAccessBoundary,
        "_is_regional_access_boundary_lookup_required",
        lambda _: False,
    )


def seal() -> Seal:
    return Seal(derive_secret("messages"))


def with_apps(database: Database, *tokens: str, login: UUID | None = None) -> User:
    user = make_user(database)
    with database.transaction() as session:
        for token in tokens:
            push_tokens.register(
                session, token, user_id=user.id, login=login, platform="android", at=datetime.now(UTC)
            )
    return user


def tell(database: Database, person: User | Contact, incident_id: UUID | None = None) -> Message:
    at = datetime.now(UTC)
    with database.transaction() as session:
        message = telling.tell(
            session,
            person,
            "sos.nudge",
            key="a call",
            until_at=at + timedelta(minutes=10),
            at=at,
            incident_id=incident_id,
            name="Aziza",
        )
    assert message is not None
    return message


def turn(database: Database, push: Push, later: timedelta = timedelta()) -> None:
    relay.turn(database, {"push": push}, at=datetime.now(UTC) + later)


def asked(database: Database) -> list[tuple[str, WorkStatus]]:
    """Each channel that was asked, and what became of that."""
    with database.transaction() as session:
        wanted = select(Notification.kind, Notification.status).where(
            Notification.kind.in_(("push", "sms", "mail"))
        )
        return [(kind, status) for kind, status in session.execute(wanted.order_by(Notification.id))]


def react(database: Database) -> None:
    while dispatch_relay.turn(database, at=datetime.now(UTC)):
        pass


def answers(database: Database) -> list[tuple[bool, str]]:
    with database.transaction() as session:
        return [(each.ok, each.answer) for each in session.scalars(select(Delivery).order_by(Delivery.id))]


def dropped(database: Database) -> dict[str, str | None]:
    with database.transaction() as session:
        return {
            each.token: each.dropped_why for each in session.scalars(select(PushToken)) if each.dropped_at
        }


def test_each_app_of_a_person_is_pushed_to_with_what_it_confirms(
    database: Database, fcm: Fcm, push: Push
) -> None:
    incident = report(database, make_device(database)).incident_id
    message = tell(database, with_apps(database, "phone", "tablet"), incident)
    turn(database, push)
    assert {each["token"] for each in fcm.seen} == {"phone", "tablet"}
    sent = fcm.seen[0]
    assert sent["notification"]["body"].startswith("Aziza is waiting for you.")
    assert sent["data"] == {
        "message": str(message.uuid),
        "reply": f"m{message.id}",
        "kind": "sos.nudge",
        "until": str(int(message.until_at.timestamp())),
        "incident": str(incident),
    }
    assert sent["android"]["priority"] == "high"
    assert sent["android"]["collapse_key"] == str(incident)
    assert 590 <= float(sent["android"]["ttl"].rstrip("s")) <= 600
    assert sent["apns"]["headers"]["apns-priority"] == "10"
    assert asked(database) == [("push", WorkStatus.DONE)]
    assert answers(database)[0][1].startswith("accepted for 2 of 2 apps: projects/mayday-test/messages/")
    assert fcm.logins >= 1


def test_accepted_is_not_delivered(database: Database, push: Push) -> None:
    message = tell(database, with_apps(database, "phone"))
    turn(database, push)
    with database.transaction() as session:
        assert session.get_one(Message, message.id).confirmed_at is None


@pytest.mark.parametrize(("status", "code"), [(404, "UNREGISTERED"), (403, "SENDER_ID_MISMATCH")])
def test_a_dead_app_is_dropped_and_the_next_channel_asked_at_once(
    database: Database, fcm: Fcm, push: Push, status: int, code: str
) -> None:
    fcm.refuse("dead", status, code)
    person = with_apps(database, "dead")
    tell(database, person)
    turn(database, push)
    react(database)
    assert list(dropped(database)) == ["dead"]
    assert asked(database) == [("push", WorkStatus.FAILED), ("sms", WorkStatus.WAITING)]
    with database.transaction() as session:
        assert telling.find_channels(session, person) == ["sms"]


def test_a_dead_app_beside_a_living_one_is_dropped_alone(database: Database, fcm: Fcm, push: Push) -> None:
    fcm.refuse("dead", 404, "UNREGISTERED")
    tell(database, with_apps(database, "dead", "phone"))
    turn(database, push)
    assert list(dropped(database)) == ["dead"]
    assert asked(database) == [("push", WorkStatus.DONE)]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_that_says_nothing_of_the_app_keeps_it(
    database: Database, fcm: Fcm, push: Push, status: int
) -> None:
    fcm.refuse("phone", status)
    tell(database, with_apps(database, "phone"))
    turn(database, push)
    react(database)
    assert dropped(database) == {}
    assert asked(database) == [("push", WorkStatus.FAILED), ("sms", WorkStatus.WAITING)]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_cannot_be_taken_now_is_asked_again_once_each_time(
    database: Database, fcm: Fcm, push: Push, status: int
) -> None:
    fcm.refuse("phone", status)
    tell(database, with_apps(database, "phone"))
    turn(database, push)
    assert (fcm.asked, asked(database)) == (1, [("push", WorkStatus.WAITING)])
    fcm.answers.clear()
    turn(database, push, SECOND)
    assert asked(database) == [("push", WorkStatus.DONE)]
    assert [ok for ok, _ in answers(database)] == [False, True]


def test_google_says_itself_when_to_come_again(database: Database, fcm: Fcm, push: Push) -> None:
    fcm.refuse("phone", 429, "QUOTA_EXCEEDED")
    fcm.headers["Retry-After"] = "60"
    tell(database, with_apps(database, "phone"))
    turn(database, push)
    turn(database, push, 30 * SECOND)
    assert fcm.asked == 1
    turn(database, push, 61 * SECOND)
    assert fcm.asked == 2


def test_a_service_that_hangs_is_left_after_five_seconds_and_asked_again(
    database: Database, fcm: Fcm, push: Push
) -> None:
    fcm.hangs.set()
    tell(database, with_apps(database, "phone"))
    turn(database, push)
    assert asked(database) == [("push", WorkStatus.WAITING)]
    fcm.hangs.clear()
    turn(database, push, SECOND)
    assert asked(database) == [("push", WorkStatus.DONE)]


def test_nobody_there_is_asked_again(database: Database, fcm: Fcm, tmp_path: Path) -> None:
    away = firebase.connect(fcm.account(tmp_path), url=AnyHttpUrl("http://127.0.0.1:1"))
    tell(database, with_apps(database, "phone"))
    turn(database, Push(seal(), away))
    assert asked(database) == [("push", WorkStatus.WAITING)]


def test_an_account_that_was_deleted_is_no_reason_to_wait(database: Database, fcm: Fcm, push: Push) -> None:
    fcm.refuses_logins = True
    tell(database, with_apps(database, "phone"))
    turn(database, push)
    react(database)
    assert asked(database) == [("push", WorkStatus.FAILED), ("sms", WorkStatus.WAITING)]
    assert "invalid_grant" in answers(database)[0][1]


def test_without_credentials_the_next_channel_is_asked_at_once(database: Database) -> None:
    tell(database, with_apps(database, "phone"))
    turn(database, Push(seal(), None))
    react(database)
    assert asked(database) == [("push", WorkStatus.FAILED), ("sms", WorkStatus.WAITING)]
    assert answers(database) == [(False, "no way of sending push is configured")]


@pytest.mark.parametrize("content", [None, "{}", "not JSON"])
def test_credentials_that_are_none_are_told_of_and_stop_nothing(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "account.json"
    if content is not None:
        file.write_text(content)
    with capture_logs() as logs:
        assert firebase.connect(file) is None
    assert [each["event"] for each in logs] == ["push cannot be used"]


def test_an_empty_file_of_credentials_is_none_at_all(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.touch()
    with capture_logs() as logs:
        assert firebase.connect(file) is None
    assert logs == []


def test_whose_login_ended_is_not_pushed_to(database: Database, fcm: Fcm, push: Push) -> None:
    person = make_user(database)
    at = datetime.now(UTC)
    with database.transaction() as session:
        login = LoginSession(
            id=UUID(int=1), user_id=person.id, started_at=at, last_used_at=at, expires_at=at + SECOND
        )
        session.add(login)
        session.flush()
        push_tokens.register(session, "phone", user_id=person.id, login=login.id, platform="ios", at=at)
    tell(database, person)
    with database.transaction() as session:
        session.get_one(LoginSession, UUID(int=1)).ended_at = at
    turn(database, push)
    assert fcm.seen == []
    assert answers(database) == [(False, "they have no app any more")]


def test_a_guardian_without_an_account_has_no_app(database: Database) -> None:
    contact = make_contact(database, make_user(database))
    with database.transaction() as session:
        assert telling.find_channels(session, contact) == ["sms"]


def test_a_double_of_google_is_on_this_machine_alone() -> None:
    with pytest.raises(ValidationError, match="on this machine"):
        NotifierSettings(secret=SecretStr(16 * "x"), fcm_url=AnyHttpUrl("https://fcm.example.org"))
