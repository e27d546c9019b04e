"""Messages that are rows: said to their person as they are now, in their language."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from broker.settings import derive_secret
from db import notifications
from db.models import Contact, Delivery, Message, Notification, Timer, User
from db.seal import Seal
from db.session import Database
from db.states import WorkStatus
from dispatch import telling
from notifier import relay
from notifier.channels import Channel, mail, sms
from notifier.channels.message import Messages
from tests.builders import make_contact, make_user
from tests.integration.notifier.providers import Gateway, mail_server, sms_gateway

LINK = "https://mayday.example.org/live/q7Zr2uX9aB4"
HOUR = timedelta(hours=1)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with sms_gateway() as found:
        yield found


def seal() -> Seal:
    return Seal(derive_secret("messages"))


def by_sms(gateway: Gateway) -> dict[str, Channel]:
    return {"sms": Messages(seal(), sms.Gateway(gateway.url, None))}


def tell(database: Database, person: User | Contact, *, until: timedelta = HOUR) -> Message:
    at = datetime.now(UTC)
    with database.transaction() as session:
        message = telling.tell(
            session,
            person,
            "sos.guardian",
            key="a call",
            until_at=at + until,
            at=at,
            name="Aziza",
            type="fall",
            link=LINK,
        )
    assert message is not None
    return message


def turn(database: Database, channels: dict[str, Channel]) -> None:
    while relay.turn(database, channels, at=datetime.now(UTC)):
        pass


def change(database: Database, person: User | Contact, **values: Any) -> None:
    with database.transaction() as session:
        row = session.get_one(type(person), person.id)
        for name, value in values.items():
            setattr(row, name, value)


def attempts(database: Database) -> list[tuple[bool, str]]:
    with database.transaction() as session:
        return [(each.ok, each.answer) for each in session.scalars(select(Delivery).order_by(Delivery.id))]


def statuses(database: Database) -> list[WorkStatus]:
    with database.transaction() as session:
        return list(session.scalars(select(Notification.status).order_by(Notification.id)))


def test_a_message_goes_to_the_number_its_person_has_now(database: Database, gateway: Gateway) -> None:
    person = make_user(database)
    change(database, person, language="ru")
    with database.transaction() as session:
        person = session.get_one(User, person.id)
    message = tell(database, person)
    change(database, person, phone="+998907654321")
    turn(database, by_sms(gateway))
    [(headers, body)] = gateway.seen
    assert body == {"to": "+998907654321", "text": f"Aziza зовёт на помощь: падение. {LINK}"}
    assert headers["Idempotency-Key"] == str(message.uuid)
    assert statuses(database) == [WorkStatus.DONE]


def test_a_guardian_is_told_by_mail(database: Database) -> None:
    contact = make_contact(database, make_user(database), phone=None, email="malika@example.org")
    tell(database, contact)
    with mail_server() as post_office:
        turn(database, {"mail": Messages(seal(), mail.MailServer(post_office.url, "m@example.org"))})
    [letter] = post_office.seen
    assert letter["To"] == "malika@example.org"
    assert LINK in letter.get_content()


def test_what_the_gateway_repeats_of_a_link_is_not_kept(database: Database, gateway: Gateway) -> None:
    gateway.answers = [(202, f"sent {LINK}, or {LINK.replace('/', '%2F')}")]
    tell(database, make_user(database))
    turn(database, by_sms(gateway))
    [(ok, answer)] = attempts(database)
    assert ok
    assert "q7Zr2uX9aB4" not in answer
    assert answer.startswith("HTTP 202 sent ***, or ")


def test_what_was_confirmed_before_is_not_sent(database: Database, gateway: Gateway) -> None:
    message = tell(database, make_user(database))
    with database.transaction() as session:
        telling.confirm(session, message.uuid, via="app", at=datetime.now(UTC))
    turn(database, by_sms(gateway))
    assert gateway.seen == []
    assert attempts(database) == [(False, "it had reached them by app before")]


def test_what_came_too_late_is_not_sent(database: Database, gateway: Gateway) -> None:
    tell(database, make_user(database), until=timedelta())
    with database.transaction() as session:
        message = session.scalars(select(Message)).one()
        notifications.request(session, "sms", message.uuid, at=datetime.now(UTC))
    turn(database, by_sms(gateway))
    assert gateway.seen == []
    assert attempts(database) == [(False, "it came too late to be of use")]


def test_who_has_no_number_any_more_is_told_by_the_next_channel_at_once(
    database: Database, gateway: Gateway
) -> None:
    person = make_user(database)
    change(database, person, email="aziza@example.org")
    with database.transaction() as session:
        person = session.get_one(User, person.id)
    tell(database, person)
    change(database, person, phone=None)
    turn(database, by_sms(gateway))
    assert attempts(database) == [(False, "they have no phone any more")]
    with database.transaction() as session:
        assert session.scalars(select(Timer.due_at)).one() <= datetime.now(UTC)


def test_a_message_whose_words_were_erased_is_given_up(database: Database, gateway: Gateway) -> None:
    message = tell(database, make_user(database))
    with database.transaction() as session:
        session.get_one(Message, message.id).sealed = ""
    turn(database, by_sms(gateway))
    assert (gateway.seen, statuses(database)) == ([], [WorkStatus.FAILED])
