"""Payloads to raw frames and frames to payloads; whatever a device sends, the only error is CodecError."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import cbor2
import orjson

from broker.frames import DownFrame, Frame
from broker.topics import MAX_UID_CHARACTERS, Channel, DeviceTopic

MAX_PAYLOAD_BYTES = 64 * 1024
MAX_FRAMES = 200
MAX_DEPTH = 8
WATCH_PACKET_BYTES = 256
"""What the smallest MQTT libraries take, topic and all."""

_WIDEST = 2**63

_JSON_STARTS = b"{["
_PADDING = b" \t\r\n\0"  # C firmware often sends the closing NUL along
_BOM = b"\xef\xbb\xbf"
# printf writes a fix that is not there as nan, which is no JSON; the call it stands in must still be heard.
_BARE_NUMBER = re.compile(r"([:\[,]\s*)[-+]?(?:nan|inf(?:inity)?)(?=\s*[,}\]])", re.IGNORECASE)
_ID = re.compile(rb'"id"\s*:\s*(?:"([!#-\[\]-~]{1,36})"|(\d{1,36})(?!\d))')


class CodecError(ValueError):
    """A payload that holds no frames; the text is the reason, fit for the quarantine and for the device."""


class Unfit:
    """Stands where a value was that nothing can store, so that only its own field is lost."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"Unfit({self.reason!r})"


class _Flaw(Exception):
    pass


def decode(payload: bytes) -> list[Any]:
    """The frames of a payload, JSON or CBOR by its first byte.

    Each is a dict of plain values, but for what a stranger put in an array in place of one:
    that is left for the frame's own validation to refuse.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise CodecError(f"too large: {len(payload)} bytes, at most {MAX_PAYLOAD_BYTES}")
    bare = payload.removeprefix(_BOM).strip(_PADDING)
    if not bare:
        raise CodecError("empty")
    return _decode_json(bare) if bare[0] in _JSON_STARTS else _decode_cbor(payload)


def salvage_id(payload: bytes) -> str | None:
    """The `id` in a payload that does not parse, so that its device can be told."""
    found = _ID.search(payload[:MAX_PAYLOAD_BYTES])
    return (found[1] or found[2]).decode("ascii") if found else None


def encode(frame: Frame) -> bytes:
    """A frame as compact JSON without what it does not say; a frame to a device always fits a watch."""
    payload = _dump(frame)
    if not isinstance(frame, DownFrame) or frame.elastic is None:
        return payload
    room = WATCH_PACKET_BYTES - packet_bytes(_longest_topic(frame.channel), b"", qos=1) - 1
    text: str | None = getattr(frame, frame.elastic)
    while text and len(payload) > room:
        # No character is longer than six bytes in JSON, so this never cuts more than it must.
        text = text[: -max(1, (len(payload) - room) // 6)]
        payload = _dump(frame.model_copy(update={frame.elastic: text}))
    return payload


def _dump(frame: Frame) -> bytes:
    return orjson.dumps(frame.model_dump(exclude_none=True))


def _longest_topic(channel: Channel) -> str:
    return str(DeviceTopic("x" * MAX_UID_CHARACTERS, channel))


def packet_bytes(topic: str, payload: bytes, *, qos: int) -> int:
    """How long the whole MQTT 3.1.1 PUBLISH packet is."""
    rest = 2 + len(topic.encode()) + (2 if qos else 0) + len(payload)
    length_bytes = 1 if rest < 128 else 2 if rest < 16_384 else 3
    return 1 + length_bytes + rest


def _decode_json(payload: bytes) -> list[Any]:
    try:
        said = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return _cleaned(_frames(_read_sloppy_json(payload)))
    frames = _frames(said)
    # Nothing nested, no NUL: most payloads pass, and these tests are cheaper than a look at every value.
    if b"\\u0000" not in payload and payload.count(b"{") + payload.count(b"[") <= len(frames) + 1:
        return frames
    return _cleaned(frames)


def _read_sloppy_json(payload: bytes) -> Any:
    text = _BARE_NUMBER.sub(r"\1NaN", payload.decode("utf-8", errors="replace"))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CodecError(f"not JSON: {error.msg.lower()} at {error.pos}") from None
    except (ValueError, RecursionError):
        raise CodecError("not JSON: beyond all bounds") from None


def _decode_cbor(payload: bytes) -> list[Any]:
    try:
        said = cbor2.loads(payload, max_depth=MAX_DEPTH + 2, tag_hook=_refuse, semantic_decoders=_TAGS)
    except Exception:
        raise CodecError("neither JSON nor CBOR") from None
    return _cleaned(_frames(said))


def _refuse(*_: object) -> Any:
    raise CodecError("a tag that no frame has")


def _keep(value: Any, _: bool) -> Any:
    return value


# References, regular expressions, big numbers and the like are how a small payload becomes a large one.
_TAGS = dict.fromkeys(
    (2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000), _refuse
) | {0: _keep, 1: _keep, 55799: _keep}  # a time as text, a time as number, "this is CBOR"


def _frames(said: Any) -> list[Any]:
    if isinstance(said, Mapping):
        return [said]
    if not isinstance(said, list):
        raise CodecError("neither a frame nor an array of frames")
    if not said:
        raise CodecError("empty")
    if len(said) > MAX_FRAMES:
        raise CodecError(f"too many frames: {len(said)}, at most {MAX_FRAMES}")
    return said


def _cleaned(frames: list[Any]) -> list[Any]:
    return [_clean_frame(frame) for frame in frames]


def _clean_frame(frame: Any) -> Any:
    if not isinstance(frame, Mapping):
        return Unfit("not an object")
    return {
        key: _clean_field(value) for key, value in frame.items() if isinstance(key, str) and _is_text(key)
    }


def _clean_field(value: Any) -> Any:
    try:
        return _plain(value, MAX_DEPTH - 1)
    except _Flaw as flaw:
        return Unfit(str(flaw))


def _plain(value: Any, depth: int) -> Any:
    match value:
        case None | bool():
            return value
        case str():
            if not _is_text(value):
                raise _Flaw("characters that cannot be stored")
            return value
        case int():
            if not -_WIDEST <= value < _WIDEST:
                raise _Flaw("beyond 64 bits")
            return value
        case float():
            if not math.isfinite(value):
                raise _Flaw("not a number")
            return value
        case Mapping() if depth:
            return {_plain_key(key): _plain(item, depth - 1) for key, item in value.items()}
        case list() | tuple() if depth:
            return [_plain(item, depth - 1) for item in value]
        case Mapping() | list() | tuple():
            raise _Flaw("nested too deeply")
    raise _Flaw("not a value of JSON")


def _plain_key(key: Any) -> str:
    if not isinstance(key, str) or not _is_text(key):
        raise _Flaw("a key that is no text")
    return key


def _is_text(value: str) -> bool:
    """Whether a database can hold it: no NUL, no half of a character."""
    if "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
