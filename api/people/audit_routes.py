"""Looking into the audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, joinedload

from api import paging
from api.deps import Admin, ReadSession
from api.paging import Page
from api.people.schemas import AuditFilter, AuditOut
from db.models import AuditEntry, User

router = APIRouter(prefix="/audit", tags=["people"])


@router.get("/", response_model=Page[AuditOut])
def list_audit(wanted: Annotated[AuditFilter, Query()], _: Admin, session: ReadSession) -> Page[AuditOut]:
    """What staff did to whom, newest first."""
    before = paging.read_cursor(wanted.cursor, int)
    found = _newest(session, wanted, before=before)
    rows, more = paging.cut(found, wanted.limit, lambda row: paging.write_cursor(row.at, row.id))
    return Page(items=[AuditOut.of(row) for row in rows], next=more)


def _newest(
    session: Session, wanted: AuditFilter, *, before: tuple[datetime, int] | None
) -> Sequence[AuditEntry]:
    found = select(AuditEntry).options(joinedload(AuditEntry.actor))
    for name in ("action", "subject_kind", "subject_id"):
        if (value := getattr(wanted, name)) is not None:
            found = found.where(getattr(AuditEntry, name) == value)
    if wanted.actor is not None:
        found = found.join(User, User.id == AuditEntry.actor_id).where(User.uuid == wanted.actor)
    if wanted.since is not None:
        found = found.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        found = found.where(AuditEntry.at < wanted.until)
    if before is not None:
        found = found.where(tuple_(AuditEntry.at, AuditEntry.id) < before)
    newest_first = found.order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    return session.scalars(newest_first.limit(wanted.limit + 1)).all()
