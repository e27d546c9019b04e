"""One's own logins: seeing them and ending them."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, status

from api.accounts import sessions
from api.deps import Caller, Now, ReadSession, WriteSession
from api.schemas import Answer

router = APIRouter(prefix="/auth", tags=["accounts"])


class SessionOut(Answer):
    """A login that goes on; used when it began and at each refresh. `current` is the one that asks."""

    id: UUID
    address: str
    agent: str
    started_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool = False


@router.get("/sessions/", response_model=list[SessionOut])
def list_sessions(caller: Caller, session: ReadSession, at: Now) -> list[SessionOut]:
    """Where one is logged in, last used first."""
    found = [SessionOut.model_validate(row) for row in sessions.list_sessions(session, caller.id, at=at)]
    return [each.model_copy(update={"current": each.id == caller.session_id}) for each in found]


@router.delete("/sessions/{session_id}/", status_code=status.HTTP_204_NO_CONTENT)
def end_session(session_id: UUID, caller: Caller, session: WriteSession, at: Now) -> None:
    """End one of one's logins: all its tokens stop working at once, its sockets close."""
    sessions.end_session(session, caller.id, session_id, at=at)


@router.post("/logout/", status_code=status.HTTP_204_NO_CONTENT)
def log_out(caller: Caller, session: WriteSession, at: Now) -> None:
    """End the login that asks."""
    sessions.end_current(session, caller, at=at)
