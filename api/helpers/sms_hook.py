"""Answers by SMS, as the gateway brings them."""

from fastapi import APIRouter

from api.deps import Db, Now
from api.gateway import FromGateway
from api.helpers.schemas import SmsIn, SmsOut
from dispatch.errors import DomainError
from dispatch.sos import answers, calls

router = APIRouter(tags=["hooks"])


@router.post("/hooks/sms/", response_model=SmsOut, dependencies=[FromGateway])
def take_sms(body: SmsIn, database: Db, at: Now) -> SmsOut:
    """Take a helper's YES or NO; a refusal is an answer as well, for the gateway did its part."""
    answer = answers.read(body.body)
    if answer is None:
        return SmsOut(
            taken=False, detail="not understood: begin with YES or NO, then the number you were sent"
        )
    try:
        with database.transaction() as session:
            helper_id = calls.find_helper(session, body.sender)
            if helper_id is None:
                return SmsOut(taken=False, detail="nobody was asked under this phone number")
            calls.answer_by_sms(session, helper_id, yes=answer.yes, code=answer.code, at=at)
    except DomainError as refusal:
        return SmsOut(taken=False, detail=refusal.message)
    return SmsOut(taken=True, detail="thank you: please go" if answer.yes else "thank you for the answer")
