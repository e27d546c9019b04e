"""Raw frames to frames: what is refused says why, and a call for help is never refused."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from broker.clock import Clock, resolve_time
from broker.codec import Unfit
from broker.frames import SosFrame, UpFrame, as_text

_DERIVED = "~"
_RESEND_S = 10
"""Presses without id and clock that are the same within this long are one; a later one joins the incident."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A frame that is none, why, and the id to answer under where one could be read."""

    reason: str
    id: str | None = None
    flaws: Mapping[str, str] = field(default_factory=dict, compare=False)


Up = TypeVar("Up", bound=UpFrame)


def read(frame: type[Up], data: Any) -> Up | Refusal:
    """Validate one raw frame; never raises."""
    try:
        return frame.model_validate(data)
    except ValidationError as error:
        flaws = _flaws(error)
        reason = "; ".join(f"{name}: {flaw}" if name else flaw for name, flaw in flaws.items())
        return Refusal(reason, read_id(data), flaws)


def read_id(data: Any) -> str | None:
    """The id of a raw frame that may be anything."""
    said = as_text(data.get("id")) if isinstance(data, dict) else None
    return said if isinstance(said, str) and _is_frame_id(said) else None


def read_sos(data: dict[str, Any], *, at: datetime) -> tuple[SosFrame, list[str]]:
    """A call for help out of any object at all, with notes on what had to be dropped; never refuses one."""
    kept = dict(data)
    notes: list[str] = []
    while True:
        try:
            return SosFrame.model_validate(kept), notes
        except ValidationError as error:
            for name, flaw in _flaws(error).items():
                _drop(kept, name, data, at)
                notes.append(f"{name}: {flaw}" if name else flaw)


def _drop(kept: dict[str, Any], name: str, data: dict[str, Any], at: datetime) -> None:
    if name == "id":
        kept["id"] = derive_id(data, at=at)
    elif name:
        kept.pop(name, None)
    else:
        for position in ("lat", "latitude", "lon", "lng", "longitude"):
            kept.pop(position, None)


def derive_id(data: dict[str, Any], *, at: datetime) -> str:
    """The same id for the same press, so that a watch without ids may re-send it.

    A press that names no time is told from tomorrow's by the time of its arrival.
    """
    ts = next((data[name] for name in ("ts", "timestamp", "time") if name in data), None)
    _, clock = resolve_time(ts, None, at)
    moment = "" if clock is Clock.DEVICE else str(int(at.timestamp()) // _RESEND_S)
    said = sorted((key, value) for key, value in data.items() if key != "id")
    content = f"{said!r}{moment}".encode(errors="backslashreplace")
    return _DERIVED + hashlib.sha256(content).hexdigest()[:20]


_FRAME_ID = re.compile(r"[!#-\[\]-~]{1,36}")


def _is_frame_id(text: str) -> bool:
    return _FRAME_ID.fullmatch(text) is not None


_FLAWS = {
    "missing": "missing",
    "string_too_long": "too long",
    "string_too_short": "empty",
    "too_long": "too long",
    "too_short": "empty",
    "string_pattern_mismatch": "1 to 36 printable characters",
    "string_type": "not a text",
    "bool_type": "not true or false",
    "bool_parsing": "not true or false",
    "dict_type": "not an object",
    "model_type": "not an object",
    "model_attributes_type": "not an object",
}


def _flaws(error: ValidationError) -> dict[str, str]:
    """Each bad field with its reason in a few words, as small screens and the quarantine show it."""
    found: dict[str, str] = {}
    # A number is tried in two ways; the second one's words are the better.
    for detail in error.errors(include_url=False, include_context=True):
        name = str(detail["loc"][0]) if detail["loc"] else ""
        found[name] = _flaw(detail)
    return found


def _flaw(detail: Any) -> str:
    if isinstance(detail["input"], Unfit):
        return detail["input"].reason
    limits = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(limits["error"])
        case "literal_error":
            return f"not one of {limits['expected']}"
    return _FLAWS.get(detail["type"]) or detail["msg"]
