"""Being a passenger."""

from fastapi import APIRouter

from api.deps import Caller, Now, ReadSession, WriteSession
from api.passengers.schemas import PassengerIn, PassengerOut
from dispatch.fleet import passengers

router = APIRouter(prefix="/passengers", tags=["passengers"])


@router.get("/me/", response_model=PassengerOut)
def show_me(caller: Caller, session: ReadSession) -> PassengerOut:
    """What one said of oneself as a passenger."""
    return PassengerOut.of(passengers.find_profile(session, caller.id))


@router.put("/me/", response_model=PassengerOut)
def put_me(body: PassengerIn, caller: Caller, session: WriteSession, at: Now) -> PassengerOut:
    """Say what one cannot ride without, in place of what one said before."""
    passengers.keep_profile(
        session, caller.id, category=body.category, needs=body.needs, companion=body.companion, at=at
    )
    return PassengerOut.of(passengers.find_profile(session, caller.id))
