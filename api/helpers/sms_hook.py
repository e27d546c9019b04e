"""Answers by SMS, as the gateway brings them."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.deps import Db, Now, Settings
from api.helpers.schemas import SmsIn, SmsOut
from api.refusals import Unauthenticated
from dispatch.errors import DomainError
from dispatch.sos import answers, calls

router = APIRouter(tags=["hooks"])

_bearer = HTTPBearer(auto_error=False, scheme_name="SMS gateway", description="MAYDAY_SMS_HOOK_TOKEN.")


def _gateway(
    settings: Settings, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    expected = settings.sms_hook_token.get_secret_value() if settings.sms_hook_token else ""
    if not expected:
        raise Unauthenticated("no gateway may bring answers here: MAYDAY_SMS_HOOK_TOKEN is not set")
    if shown is None or not hmac.compare_digest(shown.credentials.encode(), expected.encode()):
        raise Unauthenticated("send the gateway's token as Authorization: Bearer")


@router.post("/hooks/sms/", response_model=SmsOut, dependencies=[Depends(_gateway)])
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
