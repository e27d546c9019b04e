"""Who looks on at nothing is told that there is a message."""

import pytest
from sqlalchemy import select

from db import push_tokens
from db.models import Fact, Message, Order, User
from db.session import Database
from db.states import Party
from dispatch.orders import chat, news, queries
from tests.builders import NOON, make_user
from tests.onlooking import make_jasur, on_its_way, tow


def with_app(database: Database, user: User) -> User:
    """Somebody whose phone can be pushed to."""
    with database.transaction() as session:
        token = f"app-{user.id}"
        push_tokens.register(session, token, user_id=user.id, login=None, platform="android", at=NOON)
    return user


def say(database: Database, order: Order, by: User, party: Party) -> None:
    """Say something, and let what follows from it follow."""
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        chat.say(session, held, by=by.id, party=party, text="By the blue gate", at=NOON)
    with database.transaction() as session:
        fact = session.scalars(select(Fact).where(Fact.kind == "order.message_sent")).one()
        news.tell(session, fact, "message_sent", at=NOON)


@pytest.mark.parametrize(
    ("party", "told"),
    [
        (Party.CUSTOMER, {"jasur"}),
        (Party.DRIVER, {"aziza"}),
        (Party.DISPATCHER, {"aziza", "jasur"}),
    ],
)
def test_the_others_are_pushed_that_there_is_a_message_and_not_what_it_says(
    database: Database, party: Party, told: set[str]
) -> None:
    people = {
        "aziza": with_app(database, make_user(database, name="Aziza Karimova")),
        "jasur": with_app(database, make_jasur(database)),
    }
    order = on_its_way(database, people["aziza"], people["jasur"], at=NOON)
    by = {Party.CUSTOMER: people["aziza"], Party.DRIVER: people["jasur"]}.get(party) or make_user(database)
    say(database, order, by, party)
    with database.transaction() as session:
        sent = session.scalars(select(Message).where(Message.text == "order.message")).all()
        assert {each.user_id for each in sent} == {people[name].id for name in told}
        assert all("gate" not in each.sealed for each in sent)


def test_a_message_before_anybody_comes_is_pushed_to_nobody_else(database: Database) -> None:
    aziza = with_app(database, make_user(database))
    say(database, tow(database, aziza, at=NOON), aziza, Party.CUSTOMER)
    with database.transaction() as session:
        assert session.scalars(select(Message).where(Message.text == "order.message")).all() == []
