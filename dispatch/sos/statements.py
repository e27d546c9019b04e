"""What somebody said of a wearer, signed, so that it can be shown later that it was said just so. Pure."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

SIGNED = ("incident_id", "contact_id", "name", "words", "said_at")


class Words(StrEnum):
    """What a guardian can say after having spoken to the wearer."""

    FINE = "fine"
    NEEDS_HELP = "needs_help"


def sign(statement: Mapping[str, Any], *, key: bytes) -> str:
    """The signature of what was said, by whom, of which incident and when."""
    content = json.dumps([str(statement[name]) for name in SIGNED], ensure_ascii=False)
    return hmac.digest(key, content.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def is_genuine(statement: Mapping[str, Any], *, key: bytes) -> bool:
    """Whether a statement is as it was signed here."""
    try:
        return hmac.compare_digest(sign(statement, key=key), str(statement["signature"]))
    except (KeyError, TypeError):
        return False
