"""Where no provider is configured, messages lie in a folder that only the stack's owner can read."""

import os
from datetime import UTC, datetime
from pathlib import Path

import structlog

from notifier.channels import Undeliverable
from notifier.channels.message import Message

log = structlog.get_logger()

_MOST_KEPT = 100


class Postbox:
    """Takes what a provider would; the newest messages are kept."""

    def __init__(self, folder: Path | None, channel: str) -> None:
        self._folder = folder
        self._channel = channel

    def send(self, message: Message) -> str:
        """Put one message into the folder; its own name tells nothing of it."""
        if self._folder is None:
            raise Undeliverable(f"no way of sending {self._channel} is configured")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{self._channel}-{message.id}.txt"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"To: {message.to}\nSubject: {message.title}\n\n{message.text}\n")
        for old in sorted(self._folder.glob("*.txt"))[:-_MOST_KEPT]:
            old.unlink(missing_ok=True)
        log.info("a message lies in the postbox", channel=self._channel, file=path.name)
        return f"postbox {path.name}"
