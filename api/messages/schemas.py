"""Messages and apps on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.paging import DEFAULT_LIMIT, Cursor, Limit
from api.schemas import Answer, Documented, Own, Storable
from db.models import Message
from dispatch import telling

PushTokenText = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9_:.\-]+$")]


class NewPushToken(Own):
    """An installation of an app, by the token that Firebase gave it."""

    token: PushTokenText
    platform: Literal["android", "ios", "web"]


class PushTokenOut(Answer):
    """An installation that is pushed to, until its login ends or Firebase does not know it any more."""

    token: str
    platform: str
    registered_at: datetime


class MessageFilter(Own):
    """Which messages to list; newest first."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class MessageOut(Answer):
    """One thing somebody was told: `kind` names the text, `values` what it was filled with.

    `reply` is the id by which a phone confirms it over MQTT. The values are forgotten after a while.
    """

    id: UUID
    reply: str
    kind: str
    values: dict[str, str]
    exercise: bool
    incident: UUID | None
    order: int | None
    created_at: datetime
    until_at: datetime
    confirmed_at: datetime | None
    confirmed_via: str | None

    @classmethod
    def of(cls, message: Message) -> "MessageOut":
        said = telling.read(message)
        return cls(
            id=message.uuid,
            reply=f"m{message.id}",
            kind=message.text,
            values=dict(said.values),
            exercise=said.exercise,
            incident=message.incident_id,
            order=message.order_id,
            created_at=message.created_at,
            until_at=message.until_at,
            confirmed_at=message.confirmed_at,
            confirmed_via=message.confirmed_via,
        )


class Receipt(Documented):
    """What became of a short message; `id` is the Idempotency-Key under which the gateway was given it."""

    id: UUID
    status: Annotated[str, Field(min_length=1, max_length=64, examples=["delivered"]), Storable]
