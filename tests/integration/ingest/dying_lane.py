"""The telemetry lane, killed after the first commit, before it has acknowledged anything."""

import os
import signal

from broker.session import Delivery
from ingest import lane


def _die(_: Delivery) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    setattr(Delivery, "acknowledge", _die)  # noqa: B010 - a method cannot be assigned
    lane.main()
