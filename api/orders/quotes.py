"""A price that was quoted holds for a while: it is sealed and handed out, and nothing of it is kept."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from api.refusals import WrongField
from api.settings import ApiSettings
from db.seal import Broken, Seal
from dispatch.errors import Conflict
from dispatch.orders.pricing import Quote
from dispatch.orders.wishes import Wish

GOOD_FOR = timedelta(minutes=10)

_PRICED = (
    *("service", "lat", "lon", "dropoff_lat", "dropoff_lon"),
    *("vehicle_type", "seats", "needs", "addons", "scheduled_at"),
)
"""What of a wish a price is for; words around it may still change."""


class QuoteExpired(Conflict):
    """The price may be another one by now."""

    code = "quote_expired"


def seal(settings: ApiSettings, quote: Quote, wish: Wish, *, customer_id: int, at: datetime) -> str:
    """A quote as a token that only its customer can order by, and only what it is for."""
    until = (at + GOOD_FOR).isoformat()
    said = {"quote": quote.frozen(), "wish": _priced(wish), "customer": customer_id, "until": until}
    return _seal(settings).close(said)


def unseal(settings: ApiSettings, token: str, wish: Wish, *, customer_id: int, at: datetime) -> Quote:
    """The quote again; a refusal where it is not for this order, or is too old."""
    try:
        said = _seal(settings).open(token)
    except Broken:
        raise WrongField("quote", "is no quote of ours; ask for one at /api/v1/orders/quote/") from None
    if said["customer"] != customer_id:
        raise WrongField("quote", "was made for somebody else; ask for one of your own")
    if said["wish"] != _priced(wish):
        raise WrongField("quote", "is for another order; ask for one of what you order now")
    if datetime.fromisoformat(said["until"]) < at:
        raise QuoteExpired("this quote was good for ten minutes, which are over; ask for a new one")
    return Quote.thawed(said["quote"])


def _priced(wish: Wish) -> dict[str, Any]:
    said = asdict(wish)
    scheduled_at = wish.scheduled_at and wish.scheduled_at.timestamp()
    return {name: said[name] for name in _PRICED} | {
        "scheduled_at": scheduled_at,
        "needs": sorted(wish.needs),
        "addons": sorted(wish.addons),
    }


def _seal(settings: ApiSettings) -> Seal:
    return Seal(settings.derive("quotes"))
