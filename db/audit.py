"""The audit log: one line for each act of staff, written in the transaction of the act."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where; without an id it is whoever sits at the machine itself."""

    id: int | None
    address: str


def record(
    session: Session,
    actor: Actor,
    action: str,
    *,
    subject: tuple[str, object],
    at: datetime,
    **detail: Any,
) -> None:
    """Keep that `actor` did `action` to `subject`, its kind and its public id; never a secret in `detail`."""
    kind, key = subject
    session.add(
        AuditEntry(
            at=at,
            actor_id=actor.id,
            action=action,
            subject_kind=kind,
            subject_id=str(key),
            detail=detail,
            address=actor.address,
        )
    )
