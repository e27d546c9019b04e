"""Bring a database to the newest schema, and tell whether the models agree with it."""

from pathlib import Path

from alembic import command
from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


def _config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str) -> None:
    """Apply what is missing, from an empty database if need be."""
    command.upgrade(_config(database_url), "head")


def check(database_url: str) -> None:
    """Raise when the models say something that the migrations do not."""
    command.check(_config(database_url))


def revise(database_url: str, number: str, message: str) -> None:
    """Write migration `number` from the difference between models and database."""
    command.revision(_config(database_url), message, autogenerate=True, rev_id=number)
