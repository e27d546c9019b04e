"""What helpers say of themselves, and what of their calls they see."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from api.helpers.schemas import HelperProfile
from api.refusals import WrongField
from db.models import Helper, HelperCall, Incident, LastPlace, Region


def get_profile(session: Session, user_id: int) -> tuple[Helper | None, datetime | None]:
    """What a helper said, and when it was last known where they are."""
    seen = session.scalar(select(LastPlace.at).where(LastPlace.user_id == user_id))
    return session.get(Helper, user_id), seen


def keep_profile(session: Session, user_id: int, body: HelperProfile) -> None:
    """Keep what a helper says in place of what they said before."""
    regions = None if body.regions is None else sorted(set(body.regions))
    for unknown in sorted(set(regions or ()) - set(session.scalars(select(Region.slug)))):
        raise WrongField("regions", f"there is no region {unknown}")
    said = {
        "skills": sorted({skill.value for skill in body.skills}),
        "radius_m": body.radius_m,
        "available": body.available,
        "regions": regions,
    }
    session.execute(
        insert(Helper)
        .values(user_id=user_id, **said)
        .on_conflict_do_update(index_elements=[Helper.user_id], set_=said)
    )


def list_calls(session: Session, user_id: int, *, open_only: bool, limit: int = 50) -> Sequence[HelperCall]:
    """The calls of one helper, the newest first."""
    own = select(HelperCall).where(HelperCall.helper_id == user_id)
    if open_only:
        own = own.where(HelperCall.ended_at.is_(None))
    whole = joinedload(HelperCall.incident).joinedload(Incident.wearer)
    newest_first = own.options(whole).order_by(HelperCall.asked_at.desc(), HelperCall.id.desc())
    return session.scalars(newest_first.limit(limit), execution_options={"populate_existing": True}).all()


def get_call(session: Session, call: HelperCall) -> HelperCall:
    """A call as it stands, with its incident."""
    whole = joinedload(HelperCall.incident).joinedload(Incident.wearer)
    session.flush()
    return session.scalars(
        select(HelperCall).where(HelperCall.id == call.id).options(whole),
        execution_options={"populate_existing": True},
    ).one()
