"""Broker access of dispatchers: their own, and what admins do for others."""

from uuid import UUID

from fastapi import APIRouter, Request, status

from api.deps import Acting, Admin, Dispatcher, Now, Settings, WriteSession
from api.devices.schemas import BrokerAccess
from api.people import desks, service
from api.settings import ApiSettings
from broker.topics import wire_name
from db.models import MqttCredential

router = APIRouter(tags=["people"])


@router.post("/dispatchers/me/mqtt/", status_code=status.HTTP_201_CREATED, response_model=BrokerAccess)
def give_own(
    caller: Dispatcher, actor: Acting, session: WriteSession, settings: Settings, request: Request, at: Now
) -> BrokerAccess:
    """Credentials that read the alerts of one's regions and nothing else; the former ones end."""
    user = service.lock_user(session, caller.uuid)
    return _out(*desks.give_access(session, user, actor=actor, at=at), settings, request)


@router.delete("/dispatchers/me/mqtt/", status_code=status.HTTP_204_NO_CONTENT)
def take_own(caller: Dispatcher, actor: Acting, session: WriteSession, at: Now) -> None:
    """End one's broker access; who is connected with it is cut off."""
    desks.take_access(session, service.lock_user(session, caller.uuid), actor=actor, at=at)


@router.post("/users/{user}/mqtt/", status_code=status.HTTP_201_CREATED, response_model=BrokerAccess)
def give(
    user: UUID,
    _: Admin,
    actor: Acting,
    session: WriteSession,
    settings: Settings,
    request: Request,
    at: Now,
) -> BrokerAccess:
    """The same for another dispatcher."""
    held = service.lock_user(session, user)
    return _out(*desks.give_access(session, held, actor=actor, at=at), settings, request)


@router.delete("/users/{user}/mqtt/", status_code=status.HTTP_204_NO_CONTENT)
def take(user: UUID, _: Admin, actor: Acting, session: WriteSession, at: Now) -> None:
    """End the broker access of another dispatcher."""
    desks.take_access(session, service.lock_user(session, user), actor=actor, at=at)


def _out(credential: MqttCredential, secret: str, settings: ApiSettings, request: Request) -> BrokerAccess:
    return BrokerAccess(
        username=wire_name(credential.username),
        password=secret,
        client_id=credential.client_id,
        host=settings.device_host or request.url.hostname or settings.mqtt_host,
        port=settings.device_port,
        tls_port=settings.device_tls_port,
        ws_port=settings.device_ws_port,
    )
