"""What must not lie in clear in the database, not even for the moment until it is told."""

import base64
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken


class Broken(Exception):
    """It was not sealed with this key."""


class Seal:
    """Seals small messages with a key of 32 bytes, given in hex."""

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(bytes.fromhex(key)))

    def close(self, message: dict[str, Any]) -> str:
        """The message as text that tells nothing without the key."""
        return self._fernet.encrypt(json.dumps(message).encode()).decode()

    def open(self, sealed: str) -> dict[str, Any]:
        """The message again, or Broken."""
        try:
            message: dict[str, Any] = json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            raise Broken("sealed with another secret") from None
        return message
