"""What goes wrong in the database is logged and kept, and names nobody."""

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.errors import NotNullViolation, UniqueViolation
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db import outbox
from db.models import Fact, User
from db.session import Database
from dispatch import reactions, relay
from tests.builders import NOON
from tests.servers import eventually

PHONE, NAME = "+998901112233", "Aziza Karimova"


def register(session: Session, phone: str = PHONE) -> None:
    session.add(User(phone=phone, full_name=NAME))
    session.flush()


def register_twice(session: Session, phone: str = PHONE) -> None:
    register(session, phone)
    register(session, phone)


def take_language(session: Session) -> None:
    register(session)
    session.execute(update(User).values(language=None))


@pytest.mark.parametrize(
    ("fail", "kind", "statement"),
    [
        (register_twice, UniqueViolation, "INSERT INTO users"),
        (take_language, NotNullViolation, "UPDATE users"),
    ],
)
def test_an_error_says_what_was_wrong_and_with_which_statement_but_not_whose_row(
    database: Database, fail: Callable[[Session], None], kind: type[Exception], statement: str
) -> None:
    with pytest.raises(IntegrityError) as caught, database.transaction() as session:
        fail(session)
    fault = caught.value
    told = "".join(traceback.format_exception(fault))
    assert isinstance(fault.orig, kind)
    assert statement in str(fault)
    assert str(fault.orig) in told
    assert PHONE not in told
    assert NAME not in told


def test_who_asks_for_the_constraint_is_still_told(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, database.transaction() as session:
        register_twice(session)
    assert isinstance(caught.value.orig, psycopg.Error)
    assert caught.value.orig.diag.constraint_name == "uq_users_phone"


def test_a_reaction_that_failed_keeps_why_and_not_whose_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(session: Session, _: Sequence[Fact], **__: object) -> None:
        register_twice(session)

    monkeypatch.setattr(reactions, "to_facts", stumble)
    with database.transaction() as session:
        outbox.append(session, "sos.opened", uuid4(), at=NOON)
    relay.turn(database, at=NOON)
    with database.transaction() as session:
        why = session.scalars(select(Fact.last_error)).one()
    assert why is not None
    assert "uq_users_phone" in why
    assert PHONE not in why
    assert NAME not in why


def test_the_servers_own_log_names_nobody_either(database: Database, servers_folder: Path) -> None:
    log, phone = servers_folder / "postgres.log", "+998907654321"
    before = log.read_text().count("uq_users_phone")
    with pytest.raises(IntegrityError), database.transaction() as session:
        register_twice(session, phone)
    eventually(lambda: log.read_text().count("uq_users_phone") > before, "the server to log it")
    assert phone not in log.read_text()
