"""The smallest MQTT libraries take 256 bytes for a whole packet: ours fit, and those going up with room."""

import uuid
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import topics
from broker.codec import WATCH_PACKET_BYTES, encode, packet_bytes
from broker.examples import EXAMPLES
from broker.frames import FRAMES, AckFrame, CmdFrame, ConfigFrame, DownFrame, OfferFrame, StateFrame, UpFrame
from broker.reading import Refusal, read
from broker.topics import LINES, Channel, Way

UP_PACKET_BYTES = 200
UID = "watch_unique_serial_001"
LONGEST_UID = "x" * topics.MAX_UID_CHARACTERS
LONGEST_ID = "f" * 36


@pytest.mark.parametrize("channel", [line.channel for line in LINES.values() if line.way is Way.UP])
def test_every_frame_of_a_device_fits_two_hundred_bytes(channel: Channel) -> None:
    for example in EXAMPLES[channel]:
        assert (
            packet_bytes(topics.device(UID, channel), orjson.dumps(example.frame), qos=1) <= UP_PACKET_BYTES
        )


def size(frame: DownFrame) -> int:
    return packet_bytes(topics.device(LONGEST_UID, frame.channel), encode(frame), qos=1)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@given(TEXTS)
def test_every_frame_to_a_watch_fits_its_buffer_whatever_it_says(text: str) -> None:
    incident = uuid.uuid4()
    frames: list[DownFrame] = [
        AckFrame(id=LONGEST_ID, ok=True, sos=incident, dup=False),
        AckFrame(id=LONGEST_ID, ok=False, err=text),
        StateFrame(id=LONGEST_ID, s="acknowledged", eta=86_400, who=text),
        CmdFrame(id=LONGEST_ID, do="message", every=86_400, span=86_400, text=text),
        ConfigFrame(version=2**31 - 1, rest=86_400, move=86_400, alarm=3_600, batch=200),
        OfferFrame(
            id=LONGEST_ID,
            kind="order",
            until=4_000_000_000,
            lat=-41.3110811111,
            lon=-169.2405622222,
            dist=10_000_000,
            text=text,
        ),
    ]
    for frame in frames:
        assert size(frame) <= WATCH_PACKET_BYTES


@given(TEXTS)
def test_a_text_that_is_too_long_is_cut_and_nothing_else_is(text: str) -> None:
    said: dict[str, Any] = orjson.loads(encode(AckFrame(id="7f3a", ok=False, err=text)))
    assert text.startswith(said["err"])
    assert said | {"err": ""} == {"id": "7f3a", "ok": False, "err": ""}


def test_a_text_that_fits_is_not_cut() -> None:
    assert encode(AckFrame(id="7f3a", ok=False, err="lat: above 90")) == (
        b'{"id":"7f3a","ok":false,"err":"lat: above 90"}'
    )


def test_the_acknowledgement_looks_as_the_contract_says() -> None:
    incident = uuid.UUID(int=1)
    assert encode(AckFrame(id="7f3a", ok=True, sos=incident, dup=False)) == (
        b'{"id":"7f3a","ok":true,"sos":"00000000-0000-0000-0000-000000000001","dup":false}'
    )


def test_every_example_is_a_frame() -> None:
    for channel, examples in EXAMPLES.items():
        model = FRAMES[channel]
        for example in examples:
            if issubclass(model, UpFrame):
                assert not isinstance(read(model, example.frame), Refusal)
            else:
                assert orjson.loads(encode(model.model_validate(example.frame))) == example.frame
