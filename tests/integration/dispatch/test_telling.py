"""One message to a person: by one channel after the other, until they have it."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from db import notifications, push_tokens
from db.models import Contact, Delivery, Incident, Message, Notification, User
from db.session import Database
from db.states import WorkStatus
from dispatch import relay, telling
from dispatch.sos import receipts
from tests.builders import NOON, make_contact, make_device, make_user, report

SECOND = timedelta(seconds=1)
LATER = NOON + timedelta(hours=1)


def tell(
    database: Database,
    person: User | Contact,
    *,
    key: str = "a call",
    at: datetime = NOON,
    until_at: datetime = LATER,
    incident: Incident | None = None,
) -> Message | None:
    with database.transaction() as session:
        return telling.tell(
            session,
            person,
            "sos.nudge",
            key=key,
            until_at=until_at,
            at=at,
            incident_id=incident.id if incident else None,
            name="Aziza",
        )


def reachable_by_all(database: Database) -> User:
    """Somebody with an app, a phone and an address."""
    made = make_user(database)
    with database.transaction() as session:
        user = session.get_one(User, made.id)
        user.email = f"{user.uuid}@example.org"
        push_tokens.register(
            session, f"token of {user.uuid}", user_id=user.id, login=None, platform="android", at=NOON
        )
    return user


def wait(database: Database, at: datetime) -> None:
    while relay.turn(database, at=at):
        pass


def asked(database: Database, message: Message | None) -> list[str]:
    """The channels that were asked to bring it, in their order."""
    assert message is not None
    with database.transaction() as session:
        wanted = select(Notification.kind).where(Notification.subject == message.uuid)
        return list(session.scalars(wanted.order_by(Notification.id)))


def test_each_channel_has_its_time_and_then_the_next_is_asked(database: Database) -> None:
    message = tell(database, reachable_by_all(database))
    assert asked(database, message) == ["push"]
    wait(database, NOON + 9 * SECOND)
    assert asked(database, message) == ["push"]
    wait(database, NOON + 10 * SECOND)
    assert asked(database, message) == ["push", "sms"]
    wait(database, NOON + 39 * SECOND)
    assert asked(database, message) == ["push", "sms"]
    wait(database, NOON + 40 * SECOND)
    wait(database, NOON + 1000 * SECOND)
    assert asked(database, message) == ["push", "sms", "mail"]


def test_who_has_it_is_asked_by_no_further_channel(database: Database) -> None:
    message = tell(database, reachable_by_all(database))
    assert message is not None
    with database.transaction() as session:
        telling.confirm(session, message.uuid, via="app", at=NOON + SECOND)
        telling.confirm(session, message.uuid, via="sms", at=NOON + 2 * SECOND)
    wait(database, NOON + 100 * SECOND)
    assert asked(database, message) == ["push"]
    with database.transaction() as session:
        kept = session.get_one(Message, message.id)
        assert (kept.confirmed_at, kept.confirmed_via) == (NOON + SECOND, "app")


def test_a_channel_that_gave_up_hands_over_at_once(database: Database) -> None:
    message = tell(database, reachable_by_all(database))
    assert message is not None
    with database.transaction() as session:
        notifications.hand_over(session, message.uuid, "push", at=NOON + SECOND)
    wait(database, NOON + SECOND)
    assert asked(database, message) == ["push", "sms"]


def test_a_channel_whose_time_was_over_before_it_gave_up_hands_over_nothing(database: Database) -> None:
    message = tell(database, reachable_by_all(database))
    assert message is not None
    wait(database, NOON + 10 * SECOND)
    with database.transaction() as session:
        notifications.hand_over(session, message.uuid, "push", at=NOON + 11 * SECOND)
    wait(database, NOON + 11 * SECOND)
    assert asked(database, message) == ["push", "sms"]


def test_what_came_too_late_is_asked_of_no_channel(database: Database) -> None:
    message = tell(database, reachable_by_all(database), until_at=NOON + 5 * SECOND)
    wait(database, NOON + 10 * SECOND)
    assert asked(database, message) == ["push"]


def test_the_same_thing_is_told_once(database: Database) -> None:
    person = make_user(database)
    first, second = tell(database, person), tell(database, person, at=NOON + SECOND)
    assert first is not None
    assert second is not None
    assert first.uuid == second.uuid
    assert asked(database, first) == ["sms"]
    assert tell(database, person, key="another call") != first


def test_what_is_withdrawn_reaches_nobody_any_more(database: Database) -> None:
    incident = an_incident(database)
    message = tell(database, reachable_by_all(database), incident=incident)
    with database.transaction() as session:
        telling.withdraw(session, incident.id, at=NOON + SECOND)
    wait(database, NOON + 100 * SECOND)
    assert asked(database, message) == ["push"]


def test_a_canary_reaches_nobody(database: Database) -> None:
    incident = an_incident(database, canary=True)
    assert tell(database, reachable_by_all(database), incident=incident) is None


@pytest.mark.parametrize("exercise", [False, True])
def test_an_exercise_is_told_as_one(database: Database, exercise: bool) -> None:
    message = tell(database, make_user(database), incident=an_incident(database, exercise=exercise))
    assert message is not None
    assert telling.read(message).exercise == exercise


def test_a_guardian_without_an_account_is_told(database: Database) -> None:
    contact = make_contact(database, make_user(database), email="malika@example.org")
    message = tell(database, contact)
    wait(database, NOON + 30 * SECOND)
    assert asked(database, message) == ["sms", "mail"]


def test_who_cannot_be_reached_is_not_told(database: Database) -> None:
    made = make_user(database)
    with database.transaction() as session:
        nobody = session.get_one(User, made.id)
        nobody.phone = None
    assert tell(database, nobody) is None


def test_a_phone_confirms_what_was_for_its_owner_alone(database: Database) -> None:
    person, other = make_user(database), make_user(database)
    phone, foreign = make_device(database, person), make_device(database, other)
    message = tell(database, person)
    assert message is not None
    with database.transaction() as session:
        for wrong in ("c1", "m", "mm", f"m{message.id + 1}", "m" + 30 * "9", f"m{message.id}x"):
            assert not receipts.confirm_reply(session, phone.id, wrong, at=NOON)
        assert not receipts.confirm_reply(session, foreign.id, f"m{message.id}", at=NOON)
        assert receipts.confirm_reply(session, phone.id, f"m{message.id}", at=NOON)
        assert receipts.confirm_reply(session, phone.id, f"m{message.id}", at=NOON)
    with database.transaction() as session:
        assert session.get_one(Message, message.id).confirmed_via == "mqtt"


def test_a_receipt_of_the_gateway_is_kept_and_decides(database: Database) -> None:
    received, refused = (tell(database, reachable_by_all(database)) for _ in range(2))
    assert received is not None
    assert refused is not None
    wait(database, NOON + 10 * SECOND)
    with database.transaction() as session:
        telling.receive(session, received.uuid, "sms", said="delivered", at=NOON + 12 * SECOND)
        telling.refuse(session, refused.uuid, "sms", said="expired", at=NOON + 12 * SECOND)
        telling.refuse(session, uuid4(), "sms", said="expired", at=NOON)
    wait(database, NOON + 12 * SECOND)
    wait(database, NOON + 100 * SECOND)
    assert asked(database, received) == ["push", "sms"]
    assert asked(database, refused) == ["push", "sms", "mail"]
    with database.transaction() as session:
        answers = session.execute(select(Delivery.ok, Delivery.answer).order_by(Delivery.id))
        assert [tuple(row) for row in answers] == [(True, "delivered"), (False, "expired")]


def test_a_request_that_is_done_leaves_its_timer_to_the_confirmation(database: Database) -> None:
    message = tell(database, reachable_by_all(database))
    assert message is not None
    with database.transaction() as session:
        request = session.scalars(select(Notification).where(Notification.subject == message.uuid)).one()
        request.status = WorkStatus.DONE
    wait(database, NOON + 10 * SECOND)
    assert asked(database, message) == ["push", "sms"]


def an_incident(database: Database, **flags: bool) -> Incident:
    reported = report(database, make_device(database))
    with database.transaction() as session:
        incident = session.get_one(Incident, reported.incident_id)
        for name, value in flags.items():
            setattr(incident, name, value)
    return incident
