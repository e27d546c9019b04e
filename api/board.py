"""The open incidents as the alert topics tell them, and what is news about them."""

import uuid
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broker.frames import AlertFrame
from db.states import IncidentState

_REMEMBERED = 1_000


class News(StrEnum):
    """What happened to an incident, as seen from the alert topics."""

    OPENED = "opened"
    CHANGED = "changed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Change:
    """One piece of news; of an end, with the incident as it was last seen."""

    news: News
    alert: AlertFrame


class Board:
    """Tells new from known across reconnects; pure, so each order of events can be tried.

    Retained alerts come again with every subscription. What is unknown then is news when it opened after
    `since`, when we began to listen: nobody else can have told of it.
    """

    def __init__(self, *, since: datetime) -> None:
        self._since = since
        self._open: dict[uuid.UUID, AlertFrame] = {}
        self._ended: OrderedDict[uuid.UUID, int] = OrderedDict()

    @property
    def open(self) -> dict[uuid.UUID, AlertFrame]:
        """What is open, by incident."""
        return dict(self._open)

    def put(self, alert: AlertFrame, *, retained: bool) -> Change | None:
        """Take an incident as it stands; None when that is no news."""
        if alert.state == IncidentState.RESOLVED:
            return self.end(alert.incident, revision=alert.revision)
        if alert.revision <= self._ended.get(alert.incident, 0):
            return None  # not yet cleared at the broker
        known = self._open.get(alert.incident)
        if known is not None and alert.revision < known.revision:
            return None
        self._open[alert.incident] = alert
        if known is not None:
            return Change(News.CHANGED, alert) if alert.revision > known.revision else None
        if retained and alert.opened_at < self._since:
            return None
        return Change(News.OPENED, alert)

    def clear(self, incident: uuid.UUID, *, region: str) -> Change | None:
        """The topic of an incident was cleared; where it has moved to another region, that is no end."""
        known = self._open.get(incident)
        if known is None or known.region != region:
            return None
        return self.end(incident, revision=known.revision)

    def end(self, incident: uuid.UUID, *, revision: int) -> Change | None:
        """The incident is over, at this revision."""
        self._ended[incident] = revision
        self._ended.move_to_end(incident)
        if len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        known = self._open.pop(incident, None)
        return None if known is None else Change(News.ENDED, known)
