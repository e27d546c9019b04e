"""Where the SMS gateway reports back."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.deps import Now, Settings, WriteSession
from api.messages.schemas import Receipt
from api.refusals import Unauthenticated
from dispatch import telling

router = APIRouter(prefix="/hooks/sms", tags=["messages"])

_bearer = HTTPBearer(auto_error=False, description="MAYDAY_SMS_HOOK_TOKEN, which the gateway was given.")

_BROUGHT = frozenset({"delivered"})
_LOST = frozenset({"failed", "undelivered", "undeliverable", "rejected", "expired"})


def _check_gateway(
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)], settings: Settings
) -> None:
    token = settings.sms_hook_token
    if token is not None and shown is not None:
        pair = shown.credentials.encode(), token.get_secret_value().encode()
        if hmac.compare_digest(*pair):
            return
    raise Unauthenticated("show the token of MAYDAY_SMS_HOOK_TOKEN as Authorization: Bearer")


FromGateway = Depends(_check_gateway)
"""Only the SMS gateway may."""


@router.post("/receipts/", status_code=status.HTTP_204_NO_CONTENT, dependencies=[FromGateway])
def take_receipt(body: Receipt, session: WriteSession, at: Now) -> None:
    """What became of a short message: on a phone it counts as confirmed, lost the next way is tried at once.

    Other words, such as `sent`, change nothing; nor does a message that nobody waits for.
    """
    said = f"receipt: {body.status}"
    word = body.status.strip().lower()
    if word in _BROUGHT:
        telling.receive(session, body.id, "sms", said=said, at=at)
    elif word in _LOST:
        telling.refuse(session, body.id, "sms", said=said, at=at)
