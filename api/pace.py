"""How often a link may be looked at: a page that renews itself may, a program that hurries may not."""

from collections import OrderedDict
from datetime import datetime, timedelta

from api.refusals import TooManyTries

_WITHIN = timedelta(minutes=1)
_MOST = 60
_REMEMBERED = 10_000


class Pace:
    """Counts looks at each link in a minute, in this process alone: it protects the house, no secret."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def spend(self, link: str, *, at: datetime) -> None:
        """Count a look, or raise TooManyTries with how long to wait."""
        since, count = self._counts.get(link, (at, 0))
        if at - since >= _WITHIN:
            since, count = at, 0
        if count >= _MOST:
            wait_s = int((since + _WITHIN - at).total_seconds()) + 1
            raise TooManyTries("this page is asked for too often", retry_after_s=wait_s)
        self._counts[link] = (since, count + 1)
        self._counts.move_to_end(link)
        while len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)
