import json
from typing import Any

import cbor2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import codec
from broker.codec import CodecError, Unfit, decode, packet_bytes, salvage_id

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
FRAMES: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    TEXT, PLAIN | TEXT | st.lists(PLAIN, max_size=3) | st.dictionaries(TEXT, PLAIN, max_size=3), max_size=6
)
JSON: st.SearchStrategy[Any] = st.recursive(
    PLAIN | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30
)


@given(FRAMES)
def test_a_frame_comes_through_json_and_cbor_as_it_was(frame: dict[str, Any]) -> None:
    assert decode(json.dumps(frame).encode()) == [frame]
    assert decode(cbor2.dumps(frame)) == [frame]


@given(st.lists(FRAMES, min_size=1, max_size=5))
def test_an_array_comes_through_as_its_frames(frames: list[dict[str, Any]]) -> None:
    assert decode(json.dumps(frames).encode()) == frames
    assert decode(cbor2.dumps(frames)) == frames


def only_codec_errors(payload: bytes) -> None:
    try:
        frames = decode(payload)
    except CodecError:
        return
    assert 1 <= len(frames) <= codec.MAX_FRAMES


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(payload: bytes) -> None:
    only_codec_errors(payload)
    salvage_id(payload)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"{", b"[", b"\xa1", b"\x81", b"\xd9\xd9\xf7", b"\xbf", b"\x9f"]),
)
def test_nothing_that_begins_like_a_frame_raises_anything_else(payload: bytes, start: bytes) -> None:
    only_codec_errors(start + payload)


@given(JSON)
def test_no_json_raises_anything_else(said: Any) -> None:
    only_codec_errors(json.dumps(said).encode())


@given(
    st.recursive(
        PLAIN
        | st.text()
        | st.binary()
        | st.integers()
        | st.floats()
        | st.datetimes()
        | st.uuids()
        | st.decimals()
        | st.fractions(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.binary(), inner),
        max_leaves=20,
    )
)
def test_no_cbor_raises_anything_else(said: Any) -> None:
    try:
        payload = cbor2.dumps(said)
    except (ValueError, OverflowError, cbor2.CBORError):
        return
    only_codec_errors(payload)


@given(FRAMES)
def test_what_is_decoded_can_be_stored(frame: dict[str, Any]) -> None:
    (decoded,) = decode(json.dumps(frame).encode())
    assert b"\\u0000" not in orjson.dumps(decoded)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty"),
        (b" \0", "empty"),
        (b"[]", "empty"),
        (b"{", "not JSON"),
        (b'{"id":"7f3a","type":"fa', "not JSON"),
        (b"[1,2", "not JSON"),
        (b"hello", "neither"),
        (b"17", "neither"),
        (b"\xff\xff", "neither"),
        (cbor2.dumps(17), "neither"),
        (json.dumps([{}] * 201).encode(), "too many frames: 201"),
        (b"[" * 60_000, "not JSON"),
        (b'{"a":' * 10_000, "not JSON"),
        (b"\x81" * 60_000, "neither JSON nor CBOR"),
        (b"\x9b" + b"\xff" * 8, "neither JSON nor CBOR"),
        (b"\xa1\x5b\x7f" + b"\xff" * 7, "neither JSON nor CBOR"),
        (b"\xd8\x1c\x81\xd8\x1d\x00", "neither JSON nor CBOR"),  # an array that holds itself
        (b"\xd8\x23\x63(a+", "neither JSON nor CBOR"),  # a regular expression
        (b"{" + b" " * 65_536, "too large"),
    ],
)
def test_a_payload_without_frames_says_why(payload: bytes, reason: str) -> None:
    with pytest.raises(CodecError, match=reason):
        decode(payload)


def test_two_hundred_frames_are_one_payload() -> None:
    assert len(decode(json.dumps([{"a": 1}] * 200).encode())) == 200


@pytest.mark.parametrize("said", ["nan", "NaN", "-nan", "inf", "-inf", "Infinity", "-Infinity", "1e999"])
def test_a_fix_that_is_no_number_costs_itself_alone(said: str) -> None:
    (frame,) = decode(f'{{"id":"7f3a","lat": {said}, "lon":{said}}}'.encode())
    assert frame["id"] == "7f3a"
    assert isinstance(frame["lat"], Unfit)
    assert isinstance(frame["lon"], Unfit)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id":"1"}\0',
        b'\xef\xbb\xbf{"id":"1"}',
        b' \r\n{"id":"1"}\n',
        b"\xd9\xd9\xf7" + cbor2.dumps({"id": "1"}),
    ],
)
def test_what_firmware_adds_around_a_frame_is_overlooked(payload: bytes) -> None:
    assert decode(payload) == [{"id": "1"}]


@pytest.mark.parametrize(
    "value", ['"a\\u0000b"', '"\\ud800"', '{"deep":"\\u0000"}', '{"\\u0000":1}', "[" * 9 + "]" * 9, "1" * 40]
)
def test_a_value_that_cannot_be_stored_costs_its_own_field_alone(value: str) -> None:
    (frame,) = decode(f'{{"id":"1","bad":{value}}}'.encode())
    assert frame["id"] == "1"
    assert isinstance(frame["bad"], Unfit | float)


def test_a_name_cut_in_the_middle_of_a_character_does_not_cost_the_frame() -> None:
    assert decode(b'{"id":"1","who":"Aziz\xd0"}') == [{"id": "1", "who": "Aziz\ufffd"}]


def test_one_item_that_is_no_object_leaves_the_others() -> None:
    frames = decode(b'[{"a":1},17,{"a":[2]}]')
    assert frames[0] == {"a": 1}
    assert frames[2] == {"a": [2]}


def test_cbor_times_stay_the_numbers_and_texts_they_are() -> None:
    payload = cbor2.dumps(
        {"ts": cbor2.CBORTag(1, 1_732_100_000), "t": cbor2.CBORTag(0, "2026-01-01T00:00:00Z")}
    )
    assert decode(payload) == [{"ts": 1_732_100_000, "t": "2026-01-01T00:00:00Z"}]


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (b'{"id":"7f3a","type":"fa', "7f3a"),
        (b'{"type":"fall","id" : 17,', "17"),
        (b'{"id":"', None),
        (b'{"id":"two words"}', None),
        (b"\x00\xff", None),
    ],
)
def test_an_id_is_found_in_what_does_not_parse(payload: bytes, found: str | None) -> None:
    assert salvage_id(payload) == found


def test_a_packet_is_as_long_as_the_standard_says() -> None:
    # fixed header 2, topic length 2, topic 3, packet id 2, payload 4
    assert packet_bytes("a/b", b"1234", qos=1) == 13
    assert packet_bytes("a/b", b"1234", qos=0) == 11
    assert packet_bytes("a/b", b"x" * 200, qos=0) == 1 + 2 + 2 + 3 + 200
