"""The counter of those who watch an order by a link: whoever has it may, until a while after the end."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, status
from fastapi.responses import HTMLResponse, JSONResponse, Response

from api.deps import Address, Db, Now, TryCounts, kept
from api.live.pace import Pace
from api.live.words import preferred
from api.orders.link_routes import PREFIX
from api.track.page import HEADERS, render, render_unknown
from api.track.view import View, look
from db.session import Database
from dispatch.errors import NotFound
from dispatch.orders import links

router = APIRouter(prefix=PREFIX.rstrip("/"), tags=["orders"])

Token = Annotated[str, Path(max_length=64, description="what the link ends with")]
Accepted = Annotated[str, Header(alias="Accept-Language", max_length=500)]
Paces = Annotated[Pace, kept("live_pace")]


@router.get("/{token}.json", response_model=None)
def track_state(
    token: Token,
    database: Db,
    pace: Paces,
    tries: TryCounts,
    address: Address,
    at: Now,
    accepted: Accepted = "",
) -> Response:
    """What the page shows, in words; 410 with the last of them once the order has ended.

    Only a page that runs asks for it, never a preview that a phone makes by itself: so it counts as opened.
    """
    view = _look(database, token, pace, at, preferred(accepted), opened=True)
    if view is None:
        tries.spend("track link", address, at=at)
        raise NotFound("there is no such link")
    return JSONResponse(view.told(), _status(view), HEADERS)


@router.get("/{token}", response_class=HTMLResponse)
def track_page(
    token: Token,
    database: Db,
    pace: Paces,
    tries: TryCounts,
    address: Address,
    at: Now,
    accepted: Accepted = "",
) -> HTMLResponse:
    """The page; 410 once the order has ended."""
    view = _look(database, token, pace, at, preferred(accepted), opened=False)
    if view is None:
        tries.spend("track link", address, at=at)
        return HTMLResponse(render_unknown(accepted), status.HTTP_404_NOT_FOUND, HEADERS)
    return HTMLResponse(render(view), _status(view), HEADERS)


def _look(
    database: Database, token: str, pace: Pace, at: datetime, language: str, *, opened: bool
) -> View | None:
    with database.transaction() as session:
        link = links.find(session, token)
        if link is None:
            return None
        pace.spend(link.token_hash, at=at)
        if opened:
            links.note_opened(link, at=at)
        return look(session, link, language=language, at=at)


def _status(view: View) -> int:
    return status.HTTP_410_GONE if view.over else status.HTTP_200_OK
