"""Devices by the thousand, for admins."""

from typing import Any

from fastapi import APIRouter, Request, Response, status
from fastapi.responses import PlainTextResponse

from api.deps import Acting, Admin, Now, RawBody, Settings, WriteSession
from api.devices import bulk, claims
from api.devices.schemas import ProvisionedOut
from api.idempotency import Once

router = APIRouter(prefix="/devices", tags=["devices"])

_CSV = "text/csv"
_TABLE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _CSV: {
                "schema": {"type": "string"},
                "example": f"{','.join(bulk.COLUMNS)}\nwatch-1,T-Watch 5,watch,+998901112233,\n",
            }
        },
    }
}


@router.post(
    "/bulk/",
    status_code=status.HTTP_201_CREATED,
    response_model=list[ProvisionedOut],
    responses={status.HTTP_201_CREATED: {"content": {_CSV: {}}}},
    openapi_extra=_TABLE,
)
def provision(
    _: Admin,
    actor: Acting,
    once: Once,
    body: RawBody,
    session: WriteSession,
    settings: Settings,
    request: Request,
    at: Now,
) -> list[ProvisionedOut] | Response:
    """Create devices from a CSV table, all or none; the answer holds their logins, this once.

    JSON, or CSV for who accepts `text/csv`. A device without an owner gets a code to claim it with.
    """
    lines = bulk.read_table(body)
    done = bulk.provision(session, lines, actor=actor, key=settings.derive(claims.KEY), at=at)
    if _CSV in request.headers.get("accept", ""):
        table = "".join(bulk.as_table(done))
        return once.keep(PlainTextResponse(table, status.HTTP_201_CREATED, media_type=_CSV))
    return once.keep([ProvisionedOut.model_validate(each) for each in done])
