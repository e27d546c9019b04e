"""The schema that migrations make."""

from db import migrate


def test_models_and_migrations_say_the_same(database_url: str) -> None:
    migrate.check(database_url)
