# ruff: noqa: RUF001 - Cyrillic is meant
"""What somebody means who answers by SMS. Pure."""

import re
from dataclasses import dataclass

_YES = frozenset({"yes", "y", "yeah", "ok", "ha", "xa", "ҳа", "да", "oui", "ouais"})
_NO = frozenset({"no", "n", "nope", "yoq", "йўқ", "йук", "нет", "не", "non"})
_APOSTROPHES = re.compile(r"['`´ʻʼ‘’]")
_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"(?<!\d)\d{4}(?!\d)")


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no, and to what, where that was said."""

    yes: bool
    code: str | None


def read(text: str) -> Answer | None:
    """The first word decides; None where it is neither yes nor no."""
    words = _WORD.findall(_APOSTROPHES.sub("", text.casefold()))
    if not words or words[0] not in _YES | _NO:
        return None
    code = _CODE.search(text)
    return Answer(words[0] in _YES, code.group() if code else None)
