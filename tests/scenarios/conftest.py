"""Who takes part in the stories, on the one whole stack."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import status_of
from tests.scenarios.actors import House

Status = Callable[[], dict[str, Any]]


@pytest.fixture
def status(stack: dict[str, Any]) -> Status:
    """What `./mayday status --json` says now."""
    return lambda: status_of(stack)


@pytest.fixture
def house(status: Status) -> Iterator[House]:
    """The running stack, and who may use it."""
    found = House(status())
    yield found
    found.close()
