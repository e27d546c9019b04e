"""Looking into the quarantine."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from api import paging
from api.deps import Admin, ReadSession
from api.paging import Page
from api.quarantine.schemas import QuarantinedOut, QuarantineFilter
from db.models import QuarantinedFrame

router = APIRouter(prefix="/quarantine", tags=["quarantine"])


@router.get("/", response_model=Page[QuarantinedOut])
def list_quarantine(
    wanted: Annotated[QuarantineFilter, Query()], _: Admin, session: ReadSession
) -> Page[QuarantinedOut]:
    """What devices sent that nobody could read, newest first."""
    before = paging.read_cursor(wanted.cursor, int)
    found = _newest(session, uid=wanted.uid, before=before, limit=wanted.limit + 1)
    rows, more = paging.cut(found, wanted.limit, lambda row: paging.write_cursor(row.received_at, row.id))
    return Page(items=[QuarantinedOut.of(row) for row in rows], next=more)


def _newest(
    session: Session, *, uid: str | None, before: tuple[datetime, int] | None, limit: int
) -> Sequence[QuarantinedFrame]:
    wanted = select(QuarantinedFrame)
    if uid is not None:
        wanted = wanted.where(QuarantinedFrame.uid == uid)
    if before is not None:
        wanted = wanted.where(tuple_(QuarantinedFrame.received_at, QuarantinedFrame.id) < before)
    newest_first = wanted.order_by(QuarantinedFrame.received_at.desc(), QuarantinedFrame.id.desc())
    return session.scalars(newest_first.limit(limit)).all()
