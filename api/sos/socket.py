"""The documented live view: one message when a call for help comes in, one when it is over."""

from datetime import UTC, datetime
from functools import partial

import orjson
from fastapi import APIRouter, WebSocket

from api import sockets
from api.audience import AlertListener
from api.board import Change, News
from api.sos.words import detected_type
from db.states import Role

router = APIRouter()

_NEEDS = frozenset({Role.ADMIN, Role.DISPATCHER})


@router.websocket("/ws/sos_events/")
async def sos_events(socket: WebSocket) -> None:
    """For desks; the token comes as a Bearer header, as `?token=` or as a first message."""
    welcome = partial(AlertListener, render=render)
    await sockets.serve(socket, socket.app.state.audience, needs=_NEEDS, welcome=welcome)


def render(change: Change) -> str | None:
    """A change as the contract writes it; None where it has no word for it."""
    alert = change.alert
    if change.news is News.CHANGED or alert.canary:
        return None
    payload = {
        "event_uid": str(alert.incident),
        "timestamp": _iso(alert.device_at or alert.opened_at),
        "resolved": change.news is News.ENDED,
        "detected_type": detected_type(alert.type),
        "severity": alert.sev,
        "device_uid": alert.uid,
        "user_phone": alert.phone,
        "lat": alert.lat,
        "lon": alert.lon,
    }
    return orjson.dumps({"type": "sos_event", "payload": payload}).decode()


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
