"""Webhooks on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.paging import DEFAULT_LIMIT, Cursor, Limit
from api.schemas import Answer, Own, Storable
from db.models import Delivery, Notification, Webhook
from db.states import WorkStatus

Url = Annotated[str, Field(min_length=1, max_length=2000, examples=["https://example.org/mayday"]), Storable]
Event = Annotated[str, Field(max_length=64, pattern=r"^[a-z_]+\.([a-z_]+|\*)$", examples=["sos.*"])]
Events = Annotated[list[Event], Field(max_length=50)]
RegionSlug = Annotated[str, Field(min_length=1, max_length=63), Storable]


class NewWebhook(Own):
    """Where to post which facts: kinds as `sos.resolved`, families as `geofence.*`; none means all."""

    url: Url
    events: Events = Field([])
    region: RegionSlug | None = None


class WebhookChange(Own):
    """What is to be changed; switched on again, it starts with a clean record."""

    url: Url | None = None
    events: Events | None = None
    region: RegionSlug | None = None
    active: bool | None = None


class WebhookOut(Answer):
    """A webhook; its secret is shown only when it is made."""

    id: UUID
    url: str
    events: list[str]
    region: str | None
    active: bool
    failing_since: datetime | None
    disabled_why: str | None
    created_at: datetime


class WebhookWithSecret(WebhookOut):
    """The same with the secret that signs, this once."""

    secret: str


class DeliveryFilter(Own):
    """Which deliveries to list; newest first."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class AttemptOut(Answer):
    at: datetime
    ok: bool
    answer: str


class DeliveryOut(Answer):
    """One fact on its way to one webhook, with each attempt; `message` is its webhook-id."""

    id: int
    message: str
    type: str
    created_at: datetime
    status: WorkStatus
    due_at: datetime | None
    attempts: list[AttemptOut]


def webhook_out(webhook: Webhook) -> WebhookOut:
    """A webhook as it is given out."""
    return WebhookOut(**_fields(webhook))


def with_secret(webhook: Webhook, secret: str) -> WebhookWithSecret:
    """The same with its secret."""
    return WebhookWithSecret(**_fields(webhook), secret=secret)


def delivery_out(request: Notification, attempts: list[Delivery]) -> DeliveryOut:
    """A delivery as it is given out."""
    return DeliveryOut(
        id=request.id,
        message=request.payload["id"],
        type=request.payload["type"],
        created_at=request.created_at,
        status=request.status,
        due_at=request.due_at if request.status == WorkStatus.WAITING else None,
        attempts=[AttemptOut.model_validate(each) for each in attempts],
    )


def _fields(webhook: Webhook) -> dict[str, Any]:
    shared = set(WebhookOut.model_fields) - {"id"}
    return {name: getattr(webhook, name) for name in shared} | {"id": webhook.uuid}
