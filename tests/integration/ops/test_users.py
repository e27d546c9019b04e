"""What an operator does to accounts."""

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from api.accounts.passwords import is_right
from db.models import AuditEntry, User
from db.session import Database
from db.states import Role
from ops.cli import app
from ops.trouble import Trouble
from tests.builders import make_user


@pytest.fixture(autouse=True)
def _here(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAYDAY_DATABASE_URL", database.url)


def say(*words: str) -> str:
    done = CliRunner().invoke(app, ["user", *words])
    if done.exception is not None:
        raise done.exception
    return done.output.strip()


def test_the_first_admin_is_made_at_the_machine(database: Database) -> None:
    ann = make_user(database)
    for _ in range(2):
        assert say("grant", str(ann.phone), "admin") == f"{ann.phone} is admin, customer"
    with database.transaction() as session:
        entry = session.scalars(select(AuditEntry)).one()
    assert (entry.actor_id, entry.action, entry.address) == (None, "role.granted", "console")


def test_a_forgotten_password_is_renewed(database: Database) -> None:
    ann = make_user(database, Role.ADMIN)
    password = say("password", str(ann.phone))
    with database.transaction() as session:
        stored = session.get_one(User, ann.id).password_hash
    assert is_right(password, stored)


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        (["grant", "+998901112233", "admin"], "nobody is registered with +998901112233"),
        (["grant", "12", "admin"], "must be a phone number in international form"),
        (["grant", "+998901112233", "king"], "there is no role king; there are customer, driver"),
        (["password", "+998901112233"], "nobody is registered"),
    ],
)
def test_what_cannot_be_done_is_told_and_creates_nothing(
    database: Database, words: list[str], trouble: str
) -> None:
    with pytest.raises(Trouble) as told:
        say(*words)
    assert trouble in str(told.value)
    with database.transaction() as session:
        assert session.scalars(select(User)).all() == []


def test_a_database_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAYDAY_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(Trouble, match="the database does not answer"):
        say("grant", "+998901112233", "admin")
