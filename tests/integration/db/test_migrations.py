"""Migrations and models say the same."""

from db import migrate


def test_the_models_say_nothing_that_the_migrations_do_not(database_url: str) -> None:
    migrate.check(database_url)
