"""What passengers cannot ride without; the category is told to nobody but them and the desk."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models import Passenger
from db.states import Need


def keep_profile(
    session: Session, user_id: int, *, category: str, needs: Collection[Need], companion: bool, at: datetime
) -> None:
    """Keep what a passenger says in place of what they said before."""
    said = {
        "category": category,
        "needs": sorted({need.value for need in needs}),
        "companion": companion,
        "changed_at": at,
    }
    session.execute(
        insert(Passenger)
        .values(user_id=user_id, **said)
        .on_conflict_do_update(index_elements=[Passenger.user_id], set_=said)
    )


def find_profile(session: Session, user_id: int) -> Passenger | None:
    """What a passenger said, if anything."""
    return session.get(Passenger, user_id, populate_existing=True)
