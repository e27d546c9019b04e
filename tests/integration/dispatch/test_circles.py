"""Nobody waits in a circle: the incident is held first, then what belongs to it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from api.guardians import service as own_guardians
from broker import process, topics
from broker.frames import ReplyFrame
from broker.topics import Channel
from db.models import Contact, HelperCall, Incident, Message, Order
from db.session import Database
from db.states import CallState, IncidentState, OfferState, Outcome, Role
from dispatch import relay, telling
from dispatch.orders import queries as orders
from dispatch.orders import relay as orders_relay
from dispatch.orders import withdrawing
from dispatch.sos import guardians, queries, service
from ingest.handlers import Digest, Reply
from ingest.lane import Lane
from tests.asking import make_offer, offer_of
from tests.builders import NOON, TASHKENT, make_contact, make_device, make_user, report
from tests.helping import accept, ask, call_of, make_helper, make_phone, settle
from tests.ordering import make_driver, place_order
from tests.servers import WAIT_S, eventually

SECOND = timedelta(seconds=1)
LATER = NOON + timedelta(hours=1)
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND state = 'active'")

Verb = Callable[[Session, UUID, int], object]


@contextmanager
def held(database: Database, what: UUID | Order, other: Callable[[], object]) -> Iterator[Session]:
    """Hold an incident or an order while `other` waits for it; both come to their end."""
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            if isinstance(what, Order):
                orders.lock_order(session, Order.id == what.id)
            else:
                queries.lock_incident(session, what)
            done: Future[object] = pool.submit(other)
            eventually(lambda: is_waited(database) or done.done(), "the other to wait")
            assert not done.done()
            yield session
        done.result(WAIT_S)


def is_waited(database: Database) -> bool:
    with database.transaction() as session:
        return bool(session.scalar(_WAITING))


def acknowledge(session: Session, incident_id: UUID, by: int) -> None:
    service.acknowledge(session, incident_id, by=by, at=LATER)


def resolve(session: Session, incident_id: UUID, by: int) -> None:
    service.resolve(session, incident_id, by=by, outcome=Outcome.ASSISTED, at=LATER)


@pytest.mark.parametrize("verb", [acknowledge, resolve])
@pytest.mark.parametrize("leased", [False, True])
def test_a_timer_that_fires_while_a_desk_acts_waits_and_holds_nothing(
    database: Database, verb: Verb, leased: bool
) -> None:
    desk = make_user(database, Role.DISPATCHER)
    incident_id = report(database, make_device(database)).incident_id
    settle(database, NOON)
    if leased:  # then it is the lease that ends, and not the escalation that goes on
        with database.transaction() as session:
            service.acknowledge(session, incident_id, by=desk.id, at=NOON)
    with held(database, incident_id, lambda: relay.turn(database, at=LATER)) as session:
        verb(session, incident_id, desk.id)
    with database.transaction() as session:
        state = session.get_one(Incident, incident_id).state
    assert state == (IncidentState.ACKNOWLEDGED if verb is acknowledge else IncidentState.RESOLVED)


def test_an_offer_whose_time_is_over_while_a_desk_acts_waits_and_holds_nothing(database: Database) -> None:
    driver, order = make_driver(database), place_order(database)
    assert make_offer(database, order, driver) is not None
    with held(database, order, lambda: orders_relay.turn(database, at=LATER)) as session:
        held_order = session.get_one(Order, order.id)
        withdrawing.withdraw_all(session, held_order, why="cancelled", at=NOON + SECOND)
    assert offer_of(database, driver).state == OfferState.WITHDRAWN


def test_a_guardian_is_removed_while_those_who_were_told_are_told_the_end(database: Database) -> None:
    wearer = make_user(database)
    contact = make_contact(database, wearer)
    incident_id = report(database, make_device(database, wearer)).incident_id
    with database.transaction() as session:
        incident = queries.lock_incident(session, incident_id)
        assert guardians.tell(session, incident, key="k", at=NOON).reached

    def remove() -> None:
        with database.transaction() as session:
            own_guardians.remove(session, wearer.id, contact.uuid)

    with held(database, incident_id, remove) as session:
        telling.withdraw(session, incident_id, at=NOON + SECOND)
        guardians.tell_end(session, session.get_one(Incident, incident_id), at=NOON + SECOND)
    with database.transaction() as session:
        assert session.scalars(select(Contact)).all() == []


def test_replies_that_came_together_hold_one_call_at_a_time(database: Database) -> None:
    helper = make_helper(database)
    phone = make_phone(database, helper, "phone-of-the-helper")
    first = report(database, make_device(database, make_user(database)), **TASHKENT).incident_id
    ask(database, first)
    accept(database, helper)
    settle(database, NOON + 61 * SECOND)
    with database.transaction() as session:
        nudge = session.scalars(select(Message.id).where(Message.text == "sos.nudge")).one()
    call = call_of(database, helper)

    def reply() -> None:
        topic = topics.device(phone.uid, Channel.REPLY)
        frames = (ReplyFrame(id=f"m{nudge}", ok=True), ReplyFrame(id=call.frame_id, ok=True))
        digest = Digest(NOON + 62 * SECOND)
        digest.replies = [Reply(topic, phone.uid, phone.id, b"", frame) for frame in frames]
        lane = Lane(database, cast(Any, None), process.Life("test"))
        lane._write(digest)

    with held(database, first, reply) as session:
        telling.withdraw(session, first, at=NOON + 62 * SECOND)
    with database.transaction() as session:
        assert session.scalars(select(HelperCall.state)).one() == CallState.ACCEPTED
        assert session.get_one(Message, nudge).confirmed_via == "mqtt"
