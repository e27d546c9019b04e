"""The counter at which codes are asked for and shown."""

from typing import Annotated

from fastapi import Depends

from api.codes.flows import Counter
from api.codes.service import Keys
from api.deps import Db, From, Now, Settings, TryCounts


def _counter(database: Db, settings: Settings, tries: TryCounts, client: From, at: Now) -> Counter:
    return Counter(database, Keys.of(settings), tries, client, at)


AtCounter = Annotated[Counter, Depends(_counter)]
