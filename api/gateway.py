"""The SMS gateway, when it is the one that calls: it reports what became of messages, and brings answers."""

import hmac
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.deps import Settings
from api.refusals import Unauthenticated

_bearer = HTTPBearer(auto_error=False, scheme_name="SMS gateway", description="MAYDAY_SMS_HOOK_TOKEN.")


def _check(
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)], settings: Settings
) -> None:
    token = settings.sms_hook_token.get_secret_value() if settings.sms_hook_token else ""
    if not token:
        raise Unauthenticated("no gateway may call here: MAYDAY_SMS_HOOK_TOKEN is not set")
    if shown is None or not hmac.compare_digest(shown.credentials.encode(), token.encode()):
        raise Unauthenticated("send the token of MAYDAY_SMS_HOOK_TOKEN as Authorization: Bearer")


FromGateway = Depends(_check)
"""Only the SMS gateway may."""
