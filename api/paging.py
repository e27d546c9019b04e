"""Pages by key: a cursor names the last row seen, so rows that arrive meanwhile shift nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from api.refusals import WrongField

T = TypeVar("T")
K = TypeVar("K")
R = TypeVar("R")

Limit = Annotated[int, Field(ge=1, le=200)]
Cursor = Annotated[str, Field(max_length=200)]

DEFAULT_LIMIT = 50


class Page(BaseModel, Generic[T]):
    """Some items, and the cursor of those that follow."""

    items: list[T]
    next: str | None = None


def write_cursor(at: datetime, key: object) -> str:
    """The cursor of a row."""
    return base64.urlsafe_b64encode(f"{at.isoformat()} {key}".encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, key: Callable[[str], K]) -> tuple[datetime, K] | None:
    """The time and key of the row a cursor names."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at_text, _, key_text = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(" ")
        at = datetime.fromisoformat(at_text)
        if at.tzinfo is None:
            raise ValueError
        return at, key(key_text)
    except (ValueError, binascii.Error):
        raise WrongField("cursor", "is not a cursor of this list; take `next` from a page of it") from None


def cut(rows: Sequence[R], limit: int, cursor_of: Callable[[R], str]) -> tuple[Sequence[R], str | None]:
    """Up to `limit` rows of `limit` + 1 that were asked for, and the cursor if there are more."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], cursor_of(rows[limit - 1])
