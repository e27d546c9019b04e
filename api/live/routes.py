"""The counter of those who look on by a link: whoever has it may, for as long as the incident is open."""

from urllib.parse import parse_qs

from fastapi import APIRouter, status
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from api.deps import RawBody
from api.guests import Accepted, AsGuest, Token
from api.live.page import HEADERS, render, render_unknown
from api.live.view import View, look
from api.refusals import WrongField
from db.models import LiveLink
from dispatch.errors import NotFound
from dispatch.sos import guardians
from dispatch.sos.statements import Words

PREFIX = "/live/"

router = APIRouter(prefix="/live", tags=["guardians"])

_GUESS = "live link"


@router.get("/{token}.json", response_model=None)
def live_state(token: Token, guest: AsGuest) -> Response:
    """What the page shows, in words; 410 with the last of them once the incident is over.

    Only a page that runs asks for it, never a preview that a phone makes by itself: so it counts as seen.
    """

    def seen(session: Session, link: LiveLink) -> View:
        guardians.note_opened(session, link, at=guest.at)
        return look(session, link, at=guest.at)

    view = guest.open(token, guardians.find_link, seen)
    if view is None:
        guest.spend_try(_GUESS)
        raise NotFound("there is no such link")
    return JSONResponse(view.told(), _status(view), HEADERS)


@router.get("/{token}", response_class=HTMLResponse)
def live_page(token: Token, guest: AsGuest, accepted: Accepted = "") -> HTMLResponse:
    """The page of a guardian; 410 once the incident is over."""
    view = guest.open(token, guardians.find_link, lambda session, link: look(session, link, at=guest.at))
    if view is None:
        guest.spend_try(_GUESS)
        return HTMLResponse(render_unknown(accepted), status.HTTP_404_NOT_FOUND, HEADERS)
    return HTMLResponse(render(view, path=f"{PREFIX}{token}"), _status(view), HEADERS)


@router.post("/{token}/spoke", status_code=status.HTTP_303_SEE_OTHER, response_model=None)
def speak(token: Token, body: RawBody, guest: AsGuest) -> Response:
    """A guardian spoke to the wearer: `words=fine` or `words=needs_help`, as a form. It resolves nothing."""
    words = _read_words(body)

    def said(session: Session, link: LiveLink) -> View:
        view = look(session, link, at=guest.at)
        if not view.over:
            guardians.speak(session, link, words=words, at=guest.at)
        return view

    # Whoever says something again and again is not heard better.
    guest.spend_try(f"statement {token}")
    view = guest.open(token, guardians.find_link, said)
    if view is None:
        raise NotFound("there is no such link")
    if view.over:
        return HTMLResponse(render(view, path=f"{PREFIX}{token}"), status.HTTP_410_GONE, HEADERS)
    return RedirectResponse(f"{PREFIX}{token}", status.HTTP_303_SEE_OTHER, HEADERS)


def _read_words(body: bytes) -> Words:
    said = parse_qs(body.decode(errors="replace"), max_num_fields=5).get("words", [""])[0]
    try:
        return Words(said)
    except ValueError:
        raise WrongField("words", f"must be {' or '.join(Words)}") from None


def _status(view: View) -> int:
    return status.HTTP_410_GONE if view.over else status.HTTP_200_OK
