"""A sign of life for a watchman outside, who notices when it fails to come."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable

import structlog

log = structlog.get_logger()

EVERY_S = 60.0
_TIMEOUT_S = 5.0


def run(
    url: str, stopping: threading.Event, *, is_well: Callable[[], bool], every_s: float = EVERY_S
) -> None:
    """Fetch the address again and again for as long as all is well; its silence is the alarm."""
    while not stopping.wait(every_s):
        if not is_well():
            log.warning("no heartbeat: the chain is ill")
            continue
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - checked in settings
                answer.read(1)
        except (OSError, ValueError) as error:
            # The address itself is a secret at most watchmen's.
            log.warning("the heartbeat was not taken", error=type(error).__name__)
