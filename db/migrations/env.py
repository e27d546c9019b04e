"""How Alembic meets our database; called by db.migrate."""

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine, pool, text

from db.models import Base

# Two stacks or two containers may start at once: one migrates, the other waits for it.
_LOCK = 0x6D617964


def _ours(item: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """TimescaleDB and PostGIS keep tables and indexes of their own beside ours."""
    if kind == "table" and reflected and compare_to is None:
        return False
    return bool(alembic_helpers.include_object(item, name, kind, reflected, compare_to))  # type: ignore[no-untyped-call]


def run() -> None:
    url = context.config.attributes["database_url"]
    engine = create_engine(url, poolclass=pool.NullPool, connect_args={"options": "-c lock_timeout=10s"})
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=_ours,
            process_revision_directives=alembic_helpers.writer,
            render_item=alembic_helpers.render_item,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
