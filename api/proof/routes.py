"""The story of an incident, to keep, to print and to check."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.deps import Acting, Dispatcher, Now, Settings, WriteSession
from api.proof.gather import SUBJECT, gather
from api.proof.page import render
from api.proof.schemas import Export, Sealed, SealedIn, Verdict
from api.proof.sealing import Digest, digest, is_unchanged
from api.settings import ApiSettings
from api.sos.rights import seen_by
from db import audit
from db.audit import Actor

router = APIRouter(prefix="/incidents", tags=["proof"])

MOST_BYTES = 8 * 1024 * 1024
"""Of an export that is brought back."""

_ALONE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


@router.get("/{incident_id}/export/", response_model=Sealed)
def export(
    incident_id: UUID, desk: Dispatcher, actor: Acting, session: WriteSession, settings: Settings, at: Now
) -> Sealed:
    """All that is known of an incident, sealed; that it was given out is audited."""
    return _seal(_tell(session, incident_id, desk, actor, at), settings)


@router.get("/{incident_id}/export/page/", response_class=HTMLResponse)
def export_page(
    incident_id: UUID, desk: Dispatcher, actor: Acting, session: WriteSession, settings: Settings, at: Now
) -> HTMLResponse:
    """The same as a page to print."""
    told = _tell(session, incident_id, desk, actor, at)
    sealed = _seal(told, settings)
    return HTMLResponse(render(told, Digest(sealed.sha256, sealed.seal)), headers=_ALONE)


@router.post("/exports/check/", response_model=Verdict)
def check(body: SealedIn, _: Dispatcher, settings: Settings) -> Verdict:
    """Whether an export that somebody brings is what was given out here, to the letter."""
    claimed = Digest(body.sha256, body.seal)
    return Verdict(unchanged=is_unchanged(body.export, claimed, key=_key(settings)))


def _tell(session: Session, incident_id: UUID, desk: Person, actor: Actor, at: datetime) -> Export:
    told = gather(session, incident_id, seen_by=seen_by(desk), reader=desk, at=at)
    audit.record(session, actor, "incident.exported", subject=(SUBJECT, incident_id), at=at)
    return told


def _seal(told: Export, settings: ApiSettings) -> Sealed:
    content: dict[str, Any] = told.model_dump(mode="json")
    made = digest(content, key=_key(settings))
    return Sealed(export=content, sha256=made.sha256, seal=made.seal)


def _key(settings: ApiSettings) -> bytes:
    return bytes.fromhex(settings.derive("exports"))
