"""Email addresses, in small letters everywhere behind the counter."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_EXPECTED = "must be an email address, such as aziza@example.org"

# Whether somebody reads it, only a message can tell.
_LIKELY = re.compile(r"[^\s@<>,;\"]{1,64}@([^\s@.<>,;\"]+\.)+[^\s@.<>,;\"]{2,}")


def normalise(text: str) -> str:
    """The address in small letters; raises ValueError that says what is expected."""
    text = text.strip()
    if not text.isprintable() or not _LIKELY.fullmatch(text):
        raise ValueError(_EXPECTED)
    return text.lower()


Email = Annotated[str, Field(max_length=254, examples=["aziza@example.org"]), AfterValidator(normalise)]
