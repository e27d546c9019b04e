"""Where the SMS gateway reports back."""

from fastapi import APIRouter, status

from api.deps import Now, WriteSession
from api.gateway import FromGateway
from api.messages.schemas import Receipt
from dispatch import telling
from dispatch.sos import receipts

router = APIRouter(prefix="/hooks/sms", tags=["messages"])

_BROUGHT = frozenset({"delivered"})
_LOST = frozenset({"failed", "undelivered", "undeliverable", "rejected", "expired"})


@router.post("/receipts/", status_code=status.HTTP_204_NO_CONTENT, dependencies=[FromGateway])
def take_receipt(body: Receipt, session: WriteSession, at: Now) -> None:
    """What became of a short message: on a phone it counts as confirmed, lost the next way is tried at once.

    Other words, such as `sent`, change nothing; nor does a message that nobody waits for.
    """
    said = f"receipt: {body.status}"
    word = body.status.strip().lower()
    if word in _BROUGHT:
        receipts.receive(session, body.id, "sms", said=said, at=at)
    elif word in _LOST:
        telling.refuse(session, body.id, "sms", said=said, at=at)
