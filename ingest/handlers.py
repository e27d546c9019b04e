"""Frames to rows: what each message of the telemetry lane asks to be stored, and what is answered. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, NotRequired, Protocol, TypeVar, get_type_hints

import orjson
from annotated_types import Len
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from broker import codec, topics
from broker.frames import AckFrame, PosFrame, ReplyFrame, StatusFrame, UpFrame, VitalsFrame
from broker.reading import Refusal, read
from broker.topics import Channel, DeviceTopic
from db.samples import PositionRow, PresenceRow, VitalsRow
from db.states import Clock, Presence
from dispatch.samples import Arrival, Said, place

_DEVICE = Clock.DEVICE
NOT_ASKED = "nothing was asked under this id"


class Message(Protocol):
    """What the broker delivered; `duplicate` says that it may have been delivered before."""

    @property
    def topic(self) -> str: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def duplicate(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Refused:
    """A frame for the quarantine: a whole message, or the one bad item of its array."""

    topic: str
    uid: str | None
    payload: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a device answers to something it was asked; whether it was, the database knows."""

    topic: str
    uid: str
    device_id: int
    payload: bytes
    frame: ReplyFrame


@dataclass(slots=True)
class Digest(Arrival):
    """What becomes of the messages of a delivery; the answers are true once the rows are committed."""

    refused: list[Refused] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)


def digest(messages: Iterable[Message], device_ids: Mapping[str, int], *, at: datetime) -> Digest:
    """Turn messages into rows; one that no rule foresaw is set aside like any that cannot be read."""
    done = Digest(at)
    for message in messages:
        topic = topics.parse(message.topic)
        if not isinstance(topic, DeviceTopic) or (handle := _HANDLERS.get(topic.channel)) is None:
            _refuse_message(done, message, None, "not a topic of this lane")
            continue
        device_id = device_ids.get(topic.uid)
        if device_id is None:
            _refuse_message(done, message, topic.uid, "unknown device")
            continue
        try:
            handle(done, message, topic.uid, device_id)
        except Exception as error:
            _refuse_message(done, message, topic.uid, f"{type(error).__name__} while reading")
    return done


def as_refused(reply: Reply) -> Refused:
    """A reply to what nobody asked."""
    return Refused(reply.topic, reply.uid, reply.payload, NOT_ASKED)


def find_unasked(done: Digest, refusals: Sequence[str | None]) -> list[Reply]:
    """The replies to what nobody asked, for the quarantine."""
    settled = zip(done.replies, refusals, strict=True)
    return [reply for reply, refusal in settled if refusal == NOT_ASKED]


def answer_replies(done: Digest, refusals: Sequence[str | None]) -> None:
    """Tell each device what became of its replies: taken, or why not."""
    for reply, refusal in zip(done.replies, refusals, strict=True):
        _answer(done, reply.uid, AckFrame(id=reply.frame.id, ok=refusal is None, err=refusal))


def uids_of(messages: Iterable[Message]) -> set[str]:
    """The devices that messages claim to come from."""
    return {
        topic.uid
        for topic in map(topics.parse, {message.topic for message in messages})
        if isinstance(topic, DeviceTopic)
    }


# One function for each channel.


def _take_positions(done: Digest, message: Message, uid: str, device_id: int) -> None:
    frames, buffered = _read_samples(_POSITIONS, done, message, uid)
    for index, said in enumerate(frames):
        at, clock, seq = place(done, said, buffered, index)
        get = said.get
        row = PositionRow(
            *(device_id, at, seq, done.at, clock, get("bat"), said["lat"], said["lon"]),
            *(get("alt"), get("acc"), get("spd"), get("dir")),
        )
        frame_id = get("id")
        if clock is _DEVICE or not (message.duplicate or frame_id):
            done.batch.positions.append(row)
        else:
            done.batch.doubtful_positions.append(row)
        if frame_id is not None:
            _answer(done, uid, AckFrame(id=frame_id, ok=True))


def _take_vitals(done: Digest, message: Message, uid: str, device_id: int) -> None:
    frames, buffered = _read_samples(_VITALS, done, message, uid)
    for index, said in enumerate(frames):
        at, clock, seq = place(done, said, buffered, index)
        get = said.get
        row = VitalsRow(
            *(device_id, at, seq, done.at, clock, get("bat"), get("hr"), get("spo2")),
            *(get("temp"), get("steps"), get("worn")),
        )
        frame_id = get("id")
        if clock is _DEVICE or not (message.duplicate or frame_id):
            done.batch.vitals.append(row)
        else:
            done.batch.doubtful_vitals.append(row)
        if frame_id is not None:
            _answer(done, uid, AckFrame(id=frame_id, ok=True))


def _take_presence(done: Digest, message: Message, uid: str, device_id: int) -> None:
    if not message.payload:
        return  # how a retained message is taken back; it says nothing
    for frame in _read_frames(StatusFrame, done, message, uid):
        presence = PresenceRow(
            device_id, done.at, frame.bat, Presence(frame.s), frame.boot, frame.fw, frame.via, frame.login
        )
        done.batch.presences.append(presence)
        if frame.id is not None:
            _answer(done, uid, AckFrame(id=frame.id, ok=True))


def _take_reply(done: Digest, message: Message, uid: str, device_id: int) -> None:
    for frame in _read_frames(ReplyFrame, done, message, uid):
        done.replies.append(Reply(message.topic, uid, device_id, message.payload, frame))


_HANDLERS: dict[Channel, Callable[[Digest, Message, str, int], None]] = {
    Channel.POS: _take_positions,
    Channel.VITALS: _take_vitals,
    Channel.STATUS: _take_presence,
    Channel.REPLY: _take_reply,
}
CHANNELS = tuple(_HANDLERS)


# Reading.

Up = TypeVar("Up", bound=UpFrame)


def _plain(frame: type[UpFrame]) -> Any:
    """The frame's fields under their short names, as a dictionary: cheaper than a model, and less fits."""
    kinds = get_type_hints(frame, include_extras=True)
    fields = {
        name: kinds[name] if field.is_required() else NotRequired[kinds[name]]
        for name, field in frame.model_fields.items()
    }
    plain = TypedDict(f"Plain{frame.__name__}", fields)  # type: ignore[misc]  # made from the model
    return with_config(ConfigDict(extra="forbid"))(plain)


class _Samples:
    """Reads one kind of sample: in compiled code alone where it is plain, else by the model of its frame."""

    def __init__(self, frame: type[UpFrame], *, is_usual: Callable[[Said], object] = bool) -> None:
        plain = _plain(frame)
        self.frame = frame
        self.is_usual = is_usual
        self.one: Callable[[bytes], Said] = TypeAdapter(plain).validator.validate_json
        several: Any = Annotated[list[plain], Len(1, codec.MAX_FRAMES)]  # type: ignore[valid-type]
        self.many: Callable[[bytes], list[Said]] = TypeAdapter(several).validator.validate_json


_POSITIONS = _Samples(PosFrame, is_usual=lambda said: said["lat"] or said["lon"])
_VITALS = _Samples(VitalsFrame)
_OBJECT, _ARRAY = b"{["
_CBOR_ARRAYS = range(0x80, 0xA0)


def _read_samples(kind: _Samples, done: Digest, message: Message, uid: str) -> tuple[Sequence[Said], bool]:
    """The good samples of a message, and whether it was an array; the bad are set aside and answered."""
    payload = message.payload
    first = payload[0] if 0 < len(payload) <= codec.MAX_PAYLOAD_BYTES else None
    try:
        if first == _OBJECT and kind.is_usual(said := kind.one(payload)):
            return (said,), False
        if first == _ARRAY and all(map(kind.is_usual, several := kind.many(payload))):
            return several, True
    except ValidationError:
        pass
    good = _read_frames(kind.frame, done, message, uid)
    return [frame.model_dump(exclude_none=True) for frame in good], _is_array(payload)


def _read_frames(kind: type[Up], done: Digest, message: Message, uid: str) -> list[Up]:
    """The good frames of a message; each of the others goes to quarantine and is answered."""
    try:
        raw_frames = codec.decode(message.payload)
    except codec.CodecError as error:
        _refuse_message(done, message, uid, str(error))
        return []
    good: list[Up] = []
    for raw in raw_frames:
        frame = read(kind, raw)
        if isinstance(frame, Refusal):
            payload = message.payload if len(raw_frames) == 1 else orjson.dumps(raw, default=repr)
            _refuse(done, message, uid, payload, frame)
        else:
            good.append(frame)
    return good


def _is_array(payload: bytes) -> bool:
    bare = payload.removeprefix(b"\xef\xbb\xbf").lstrip()
    return bare[:1] == b"[" or (len(payload) > 0 and payload[0] in _CBOR_ARRAYS)


# Refusing and answering.


def _refuse_message(done: Digest, message: Message, uid: str | None, reason: str) -> None:
    _refuse(done, message, uid, message.payload, Refusal(reason, codec.salvage_id(message.payload)))


def _refuse(done: Digest, message: Message, uid: str | None, payload: bytes, refusal: Refusal) -> None:
    done.refused.append(Refused(message.topic, uid, payload, refusal.reason))
    if uid is not None and refusal.id is not None:
        _answer(done, uid, AckFrame(id=refusal.id, ok=False, err=refusal.reason))


def _answer(done: Digest, uid: str, frame: AckFrame) -> None:
    done.answers.append((topics.device(uid, Channel.ACK), codec.encode(frame)))
