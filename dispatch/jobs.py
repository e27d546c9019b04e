"""Celery tasks of the house; each may be late, and may run twice."""

from datetime import UTC, datetime

import structlog

from broker.jobs import app
from db import retention
from db.session import Database

log = structlog.get_logger()


@app.task(name="dispatch.jobs.prune")
def prune() -> dict[str, int]:
    """Let go of what nobody will ask for any more."""
    database = Database(name="jobs")
    try:
        pruned = retention.prune(database, at=datetime.now(UTC))
    finally:
        database.close()
    log.info("pruned", **pruned)
    return pruned
