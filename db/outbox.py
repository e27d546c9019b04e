"""Facts: what happened, written in the transaction in which it happened."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db import bell, work
from db.models.work import Fact

CHANNEL = "facts"
ORDERS = "orders"
"""The bells: what becomes of orders wakes nobody who waits for a call for help."""


def append(session: Session, kind: str, subject: uuid.UUID, *, at: datetime, **payload: Any) -> None:
    """State a fact; whoever reacts to it wakes after the commit."""
    session.add(Fact(kind=kind, subject=subject, payload=payload, created_at=at, due_at=at))
    bell.ring(session, ORDERS if kind.startswith(work.ORDERS) else CHANNEL)
