"""The counter of those who watch an order by a link: whoever has it may, until a while after the end."""

from fastapi import APIRouter, status
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy.orm import Session

from api.guests import Accepted, AsGuest, Guest, Token
from api.live.words import preferred
from api.orders.link_routes import PREFIX
from api.track.page import HEADERS, render, render_unknown
from api.track.view import View, look
from db.models import OrderLink
from dispatch.errors import NotFound
from dispatch.orders import links

router = APIRouter(prefix=PREFIX.rstrip("/"), tags=["orders"])

_GUESS = "track link"


@router.get("/{token}.json", response_model=None)
def track_state(token: Token, guest: AsGuest, accepted: Accepted = "") -> Response:
    """What the page shows, in words; 410 with the last of them once the order has ended.

    Only a page that runs asks for it, never a preview that a phone makes by itself: so it counts as opened.
    """
    view = _look(guest, token, preferred(accepted), opened=True)
    if view is None:
        guest.spend_try(_GUESS)
        raise NotFound("there is no such link")
    return JSONResponse(view.told(), _status(view), HEADERS)


@router.get("/{token}", response_class=HTMLResponse)
def track_page(token: Token, guest: AsGuest, accepted: Accepted = "") -> HTMLResponse:
    """The page; 410 once the order has ended."""
    view = _look(guest, token, preferred(accepted), opened=False)
    if view is None:
        guest.spend_try(_GUESS)
        return HTMLResponse(render_unknown(accepted), status.HTTP_404_NOT_FOUND, HEADERS)
    return HTMLResponse(render(view), _status(view), HEADERS)


def _look(guest: Guest, token: str, language: str, *, opened: bool) -> View | None:
    def see(session: Session, link: OrderLink) -> View:
        if opened:
            links.note_opened(link, at=guest.at)
        return look(session, link, language=language, at=guest.at)

    return guest.open(token, links.find, see)


def _status(view: View) -> int:
    return status.HTTP_410_GONE if view.over else status.HTTP_200_OK
