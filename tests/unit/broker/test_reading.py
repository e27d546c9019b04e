from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import codec
from broker.clock import Clock
from broker.frames import FRAMES, PosFrame, ReplyFrame, SosFrame, SosType, StatusFrame, UpFrame, VitalsFrame
from broker.reading import Refusal, derive_id, read, read_id, read_sos

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TASHKENT = {"lat": 41.311081, "lon": 69.240562}
NAMES = st.sampled_from(
    [
        "id",
        "ts",
        "timestamp",
        "age",
        "type",
        "detected_type",
        "sev",
        "severity",
        "lat",
        "latitude",
        "lon",
        "lng",
        "alt",
        "altitude",
        "acc",
        "bat",
        "battery_level",
        "hold",
        "cancel",
        "pin",
        "raw",
        "raw_payload",
        "seq",
        "spd",
        "speed",
        "dir",
        "hr",
        "spo2",
        "temp",
        "steps",
        "worn",
        "s",
        "boot",
        "fw",
        "ok",
        "eta",
        "why",
    ]
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(NAMES | st.text(), ANYTHING, max_size=10)
UP = [frame for frame in FRAMES.values() if issubclass(frame, UpFrame)]


def press(**said: Any) -> tuple[SosFrame, list[str]]:
    return read_sos({"id": "7f3a"} | said, at=NOON)


@given(OBJECTS)
def test_no_object_on_the_sos_topic_is_refused(said: dict[str, Any]) -> None:
    frame, _ = read_sos(said, at=NOON)
    assert 1 <= len(frame.id) <= 36
    assert (frame.lat is None) == (frame.lon is None)


@given(st.sampled_from(UP), OBJECTS | ANYTHING)
def test_reading_never_raises(frame: type[UpFrame], said: Any) -> None:
    read_frame = read(frame, said)
    if isinstance(read_frame, Refusal):
        assert read_frame.reason
    else:
        at, _ = read_frame.time(NOON)
        assert at <= NOON + timedelta(minutes=5)


@given(
    OBJECTS,
    st.sampled_from(["sev", "lat", "alt", "acc", "bat", "hold", "raw", "pin", "cancel", "age"]),
    ANYTHING,
)
def test_one_bad_field_changes_nothing_else(said: dict[str, Any], name: str, bad: Any) -> None:
    good = {"id": "7f3a", "type": "fall", **TASHKENT}
    frame, notes = read_sos(good | {name: bad}, at=NOON)
    assert (frame.id, frame.type) == ("7f3a", "fall")
    if name != "lat":
        assert (frame.lat, frame.lon) == (TASHKENT["lat"], TASHKENT["lon"])
    assert all(note.startswith((name, "lat")) for note in notes)


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ({"sev": 9}, "sev: above 5"),
        ({"severity": 0}, "severity: below 1"),
        ({"sev": True}, "sev: not a number"),
        ({"bat": 255}, "bat: above 100"),
        ({"alt": "high"}, "alt: not a number"),
        ({"hold": 0}, "hold: below 1"),
        ({"hold": 121}, "hold: above 120"),
        ({"cancel": "maybe"}, "cancel: not true or false"),
        ({"pin": "x" * 17}, "pin: too long"),
        ({"raw": 5}, "raw: not an object"),
        ({"lat": 41.3}, "lat and lon come as a pair"),
        ({"lat": 0, "lon": 0}, "lat and lon: 0, 0 is no fix"),
    ],
)
def test_a_bad_optional_field_is_dropped_and_noted(said: dict[str, Any], note: str) -> None:
    frame, notes = press(**said)
    assert notes == [note]
    assert frame == SosFrame(id="7f3a")


def test_half_a_position_is_none() -> None:
    frame, notes = press(lat=91, lon=69.2)
    assert (frame.lat, frame.lon) == (None, None)
    assert notes == ["lat: above 90", "lat and lon come as a pair"]


def test_a_good_long_name_steps_in_for_a_bad_short_one() -> None:
    frame, notes = press(lat="?", lon=69.2, latitude=41.3)
    assert (frame.lat, frame.lon) == (41.3, 69.2)
    assert notes == ["lat: not a number"]


def test_the_long_names_of_the_sources_are_the_same_fields() -> None:
    frame, notes = read_sos(
        {
            "device_uid": "watch_unique_serial_001",
            "lat": 41.311081,
            "lon": 69.240562,
            "altitude": 500.0,
            "detected_type": "FALL_DETECTED",
            "severity": 4,
            "timestamp": "2026-01-01T11:59:00Z",
            "battery_level": 84,
            "raw_payload": {"sensor_data": "..."},
            "id": "7f3a",
        },
        at=NOON,
    )
    assert notes == []
    assert frame == SosFrame(
        id="7f3a",
        ts="2026-01-01T11:59:00Z",
        type="fall",
        sev=4,
        alt=500,
        bat=84,
        raw={"sensor_data": "..."},
        **TASHKENT,
    )
    assert frame.time(NOON) == (NOON - timedelta(minutes=1), Clock.DEVICE)


@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        ("FALL_DETECTED", SosType.FALL),
        ("Fall", SosType.FALL),
        ("panic-button", SosType.BUTTON),
        ("SOS", SosType.BUTTON),
        ("CRASH_DETECTED", SosType.CRASH),
        ("HEART_RATE_DETECTED", SosType.HEART),
        ("no motion", SosType.IMMOBILE),
        ("manual", SosType.MANUAL),
        ("SMOKE_IN_ROOM", "smoke_in_room"),
        ("!!!", SosType.OTHER),
        ("", SosType.OTHER),
        (17, SosType.OTHER),
        (None, SosType.OTHER),
        ({}, SosType.OTHER),
        ("x" * 500, "x" * 32),
    ],
)
def test_a_type_never_refuses_a_call(said: Any, read_as: str) -> None:
    frame, notes = press(type=said)
    assert frame.type == read_as
    assert notes == []


def test_a_press_without_a_type_is_the_button() -> None:
    assert press()[0].type == "button"


@pytest.mark.parametrize("number", ["41.3", " 41.3 ", 41.3])
def test_a_number_in_quotes_is_a_number(number: Any) -> None:
    assert press(lat=number, lon="69.2")[0].lat == 41.3


@pytest.mark.parametrize("said", [84, 84.0, 84.4, "84", "84.4"])
def test_a_battery_with_a_fraction_is_rounded(said: Any) -> None:
    assert press(bat=said)[0].bat == 84


@pytest.mark.parametrize(
    "bad", [True, float("nan"), float("inf"), 10**400, "nan", "inf", "", "1e999", [1], {}]
)
def test_what_is_no_number_is_none(bad: Any) -> None:
    assert press(alt=bad)[1] == ["alt: not a number"]


# Ids


def test_a_missing_id_is_derived_so_that_the_same_press_has_the_same_one() -> None:
    said = {"ts": NOON.timestamp(), **TASHKENT}
    first, notes = read_sos(said, at=NOON)
    again, _ = read_sos(said, at=NOON + timedelta(minutes=30))
    assert first.id == again.id
    assert first.id.startswith("~")
    assert notes == ["id: missing"]


def test_another_press_gets_another_derived_id() -> None:
    ids = {read_sos({"ts": NOON.timestamp() - n}, at=NOON)[0].id for n in range(10)}
    assert len(ids) == 10


@pytest.mark.parametrize("ts", [None, 946_684_800, "rubbish"])
def test_a_press_without_a_believable_time_is_not_swallowed_by_yesterdays(ts: object) -> None:
    said = {"ts": ts, "type": "button"}
    today = read_sos(said, at=NOON)[0].id
    assert today == read_sos(said, at=NOON + timedelta(seconds=2))[0].id
    assert today != read_sos(said, at=NOON + timedelta(days=1))[0].id


@pytest.mark.parametrize("bad", ["", "x" * 37, "two words", 'quo"te', "ü", None, 1.5, True, ["7f3a"], "a\n"])
def test_an_impossible_id_is_replaced_by_a_derived_one(bad: Any) -> None:
    frame, notes = read_sos({"id": bad}, at=NOON)
    assert frame.id.startswith("~")
    assert len(notes) == 1


def test_a_counter_is_an_id() -> None:
    assert read_sos({"id": 17}, at=NOON) == (SosFrame(id="17"), [])


@given(OBJECTS)
def test_deriving_never_raises_and_is_the_same_each_time(said: dict[str, Any]) -> None:
    assert derive_id(said, at=NOON) == derive_id(said, at=NOON)


# The other frames


@pytest.mark.parametrize(
    ("frame", "said", "reason"),
    [
        (PosFrame, {"lat": 99, "lon": 69.2}, "lat: above 90"),
        (PosFrame, {"lat": -90.5, "lon": 69.2}, "lat: below -90"),
        (PosFrame, {"lat": 41.3}, "lon: missing"),
        (PosFrame, {"lat": True, "lon": 69.2}, "lat: not a number"),
        (PosFrame, {"lat": 0, "lon": 0}, "lat and lon: 0, 0 is no fix"),
        (PosFrame, {**TASHKENT, "spd": -1}, "spd: below 0"),
        (PosFrame, {**TASHKENT, "speed": 500}, "speed: above 400"),
        (PosFrame, [1, 2], "not an object"),
        (PosFrame, None, "not an object"),
        (PosFrame, codec.Unfit("not an object"), "not an object"),
        (VitalsFrame, {"hr": 400}, "hr: above 350"),
        (VitalsFrame, {"worn": 3}, "worn: not true or false"),
        (StatusFrame, {"s": "dead"}, "s: not one of 'online', 'offline' or 'sleeping'"),
        (StatusFrame, {}, "s: missing"),
        (ReplyFrame, {"ok": True}, "id: missing"),
        (PosFrame, {"lat": 99, "lon": 200}, "lat: above 90; lon: above 180"),
        (VitalsFrame, {"hr": codec.Unfit("beyond 64 bits")}, "hr: beyond 64 bits"),
    ],
)
def test_a_refusal_says_why_in_a_few_words(frame: type[UpFrame], said: Any, reason: str) -> None:
    refusal = read(frame, said)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason


def test_a_refusal_is_answered_under_the_id_that_could_be_read() -> None:
    assert read(PosFrame, {"id": 17}) == Refusal("lat: missing; lon: missing", "17")
    assert read_id({"id": "two words"}) is None


def test_unknown_fields_are_ignored() -> None:
    frame = read(PosFrame, TASHKENT | {"firmware_blob": {"a": [1, 2, 3]}, "tid": "AB"})
    assert frame == PosFrame(**TASHKENT)


@pytest.mark.parametrize("frame", UP)
def test_frames_cannot_be_changed(frame: type[UpFrame]) -> None:
    assert frame.model_config["frozen"]
