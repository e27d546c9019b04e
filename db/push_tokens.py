"""The installations of an app by which people are reached at once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models import LoginSession, PushToken

MOST = 20
"""Of one person: more phones than anybody has, and few enough for one turn."""


def register(
    session: Session, token: str, *, user_id: int, login: UUID | None, platform: str, at: datetime
) -> PushToken:
    """Reach this person by this installation from now on, whoever used it before."""
    said = {
        "user_id": user_id,
        "session_id": login,
        "platform": platform,
        "registered_at": at,
        "dropped_at": None,
        "dropped_why": None,
    }
    made = insert(PushToken).values(token=token, **said)
    kept = session.scalars(
        made.on_conflict_do_update(index_elements=[PushToken.token], set_=said).returning(PushToken),
        execution_options={"populate_existing": True},
    ).one()
    newest = select(PushToken.token).where(PushToken.user_id == user_id)
    newest = newest.order_by(PushToken.registered_at.desc(), PushToken.token).limit(MOST)
    session.execute(delete(PushToken).where(PushToken.user_id == user_id, PushToken.token.not_in(newest)))
    return kept


def remove(session: Session, token: str, *, user_id: int) -> None:
    """Forget an installation of this person; one that is not theirs is left alone."""
    session.execute(delete(PushToken).where(PushToken.token == token, PushToken.user_id == user_id))


def live(user_id: int) -> Select[PushToken]:
    """The installations of somebody that still reach them: known to the provider, and logged in."""
    return (
        select(PushToken)
        .outerjoin(LoginSession, LoginSession.id == PushToken.session_id)
        .where(
            PushToken.user_id == user_id,
            PushToken.dropped_at.is_(None),
            or_(PushToken.session_id.is_(None), LoginSession.ended_at.is_(None)),
        )
        .order_by(PushToken.registered_at.desc(), PushToken.token)
    )


def drop(session: Session, token: str, *, why: str, registered_at: datetime, at: datetime) -> None:
    """The provider does not know it any more; what was registered again meanwhile is another thing."""
    session.execute(
        update(PushToken)
        .where(PushToken.token == token, PushToken.registered_at == registered_at)
        .values(dropped_at=at, dropped_why=why)
        .execution_options(synchronize_session=False)
    )
