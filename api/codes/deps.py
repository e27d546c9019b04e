"""The counter at which codes are asked for and shown."""

from typing import Annotated

from fastapi import Depends

from api.codes.flows import Counter
from api.codes.service import Keys
from api.deps import AtEntrance, Settings


def _counter(entrance: AtEntrance, settings: Settings) -> Counter:
    return Counter(entrance, Keys.of(settings))


AtCounter = Annotated[Counter, Depends(_counter)]
