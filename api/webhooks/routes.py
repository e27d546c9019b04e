"""Admins say which systems hear of what, and see what became of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status

from api import paging
from api.deps import Acting, Admin, Now, ReadSession, Settings, WriteSession
from api.paging import Page
from api.refusals import WrongField
from api.settings import ApiSettings
from api.webhooks import service
from api.webhooks.schemas import (
    DeliveryFilter,
    DeliveryOut,
    NewWebhook,
    WebhookChange,
    WebhookOut,
    WebhookWithSecret,
    delivery_out,
    webhook_out,
    with_secret,
)
from db.models import Notification
from db.seal import Seal

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

_NEVER_EMPTY = ("url", "events", "active")


@router.get("/", response_model=list[WebhookOut])
def list_webhooks(_: Admin, session: ReadSession) -> list[WebhookOut]:
    """All of them, the oldest first."""
    return [webhook_out(each) for each in service.list_all(session)]


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=WebhookWithSecret)
def create_webhook(
    body: NewWebhook, _: Admin, actor: Acting, session: WriteSession, settings: Settings, at: Now
) -> WebhookWithSecret:
    """Have facts posted to a public address over HTTPS, signed with the secret shown here, this once."""
    service.check_url(body.url, allowed=settings.webhook_networks)
    made = service.create(
        session,
        url=body.url,
        events=body.events,
        region=body.region,
        seal=_seal(settings),
        actor=actor,
        at=at,
    )
    return with_secret(*made)


@router.get("/{webhook_id}/", response_model=WebhookOut)
def show_webhook(webhook_id: UUID, _: Admin, session: ReadSession) -> WebhookOut:
    """One webhook."""
    return webhook_out(service.get(session, webhook_id))


@router.patch("/{webhook_id}/", response_model=WebhookOut)
def change_webhook(
    webhook_id: UUID,
    body: WebhookChange,
    _: Admin,
    actor: Acting,
    session: WriteSession,
    settings: Settings,
    at: Now,
) -> WebhookOut:
    """Change what is named; `region` null means all."""
    changes = body.model_dump(exclude_unset=True)
    for name in _NEVER_EMPTY:
        if name in changes and changes[name] is None:
            raise WrongField(name, "must not be null; leave it out to keep it")
    if "url" in changes:
        service.check_url(changes["url"], allowed=settings.webhook_networks)
    return webhook_out(service.change(session, webhook_id, changes=changes, actor=actor, at=at))


@router.delete("/{webhook_id}/", status_code=status.HTTP_204_NO_CONTENT)
def remove_webhook(webhook_id: UUID, _: Admin, actor: Acting, session: WriteSession, at: Now) -> None:
    """Post nothing there any more."""
    service.remove(session, webhook_id, actor=actor, at=at)


@router.post("/{webhook_id}/rotate/", response_model=WebhookWithSecret)
def rotate_secret(
    webhook_id: UUID, _: Admin, actor: Acting, session: WriteSession, settings: Settings, at: Now
) -> WebhookWithSecret:
    """A new secret, shown this once; for a day each post bears the signatures of both."""
    made = service.rotate(session, webhook_id, seal=_seal(settings), actor=actor, at=at)
    return with_secret(*made)


@router.get("/{webhook_id}/deliveries/", response_model=Page[DeliveryOut])
def list_deliveries(
    webhook_id: UUID, wanted: Annotated[DeliveryFilter, Query()], _: Admin, session: ReadSession
) -> Page[DeliveryOut]:
    """What was posted there and what waits, newest first, with what each attempt was answered."""
    before = paging.read_cursor(wanted.cursor, int)
    webhook = service.get(session, webhook_id)
    found = service.list_deliveries(session, webhook, before=before, limit=wanted.limit + 1)
    rows, more = paging.cut(found, wanted.limit, lambda row: _cursor(row[0]))
    return Page(items=[delivery_out(*row) for row in rows], next=more)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay/",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=DeliveryOut,
)
def replay_delivery(
    webhook_id: UUID, delivery_id: int, _: Admin, actor: Acting, session: WriteSession, at: Now
) -> DeliveryOut:
    """Post one once more, word for word and under the same webhook-id."""
    return delivery_out(service.replay(session, webhook_id, delivery_id, actor=actor, at=at), [])


def _seal(settings: ApiSettings) -> Seal:
    return Seal(settings.derive("webhooks"))


def _cursor(request: Notification) -> str:
    return paging.write_cursor(request.created_at, request.id)
