"""Frames to rows: nothing is lost, nothing doubled, whatever the clocks say."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as some

from broker.frames import PosFrame, VitalsFrame
from db.samples import Batch, PositionRow, VitalsRow
from db.states import Clock, Presence
from ingest import handlers

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TS = int(NOON.timestamp())
DEVICES = {"watch-1": 1, "watch-2": 2}
FIX = {"lat": 41.311081, "lon": 69.240562}


@dataclass
class Sent:
    """A message as the broker hands it over."""

    payload: bytes
    channel: str = "pos"
    uid: str = "watch-1"
    duplicate: bool = False

    @property
    def topic(self) -> str:
        return f"mayday/v1/dev/{self.uid}/{self.channel}"


def sent(said: Any, channel: str = "pos", *, duplicate: bool = False) -> Sent:
    return Sent(json.dumps(said).encode(), channel, duplicate=duplicate)


def digest(*messages: Sent, at: datetime = NOON) -> handlers.Digest:
    return handlers.digest(messages, DEVICES, at=at)


def only_position(*messages: Sent, at: datetime = NOON) -> PositionRow:
    done = digest(*messages, at=at)
    assert not done.refused
    (row,) = done.batch.positions + done.batch.doubtful_positions
    return row


def answers(done: handlers.Digest) -> list[tuple[str, Any]]:
    return [(topic, json.loads(payload)) for topic, payload in done.answers]


def test_a_fix_becomes_a_row_under_the_time_of_the_device() -> None:
    said = FIX | {"ts": TS - 5, "seq": 123, "acc": 8, "alt": 500, "spd": 5.5, "dir": 180, "bat": 84}
    assert only_position(sent(said)) == PositionRow(
        device_id=1,
        at=NOON - timedelta(seconds=5),
        seq=123,
        received_at=NOON,
        clock=Clock.DEVICE,
        battery_pct=84,
        lat=41.311081,
        lon=69.240562,
        alt_m=500,
        accuracy_m=8,
        speed_mps=5.5,
        direction_deg=180,
    )


def test_vitals_become_a_row() -> None:
    said = {"ts": TS, "seq": 7, "hr": 72, "spo2": 97, "temp": 36.6, "steps": 5310, "bat": 84, "worn": True}
    (row,) = digest(sent(said, "vitals")).batch.vitals
    assert row == VitalsRow(1, NOON, 7, NOON, Clock.DEVICE, 84, 72, 97, 36.6, 5310, True)


def test_the_long_names_of_other_systems_are_read_as_the_same() -> None:
    short = FIX | {"ts": TS, "seq": 1, "acc": 8, "spd": 5.5, "dir": 180, "bat": 84}
    long = {
        "latitude": FIX["lat"],
        "longitude": FIX["lon"],
        "timestamp": TS,
        "seq": 1,
        "accuracy": 8,
        "speed": 5.5,
        "direction": 180,
        "battery_level": 84,
    }
    assert only_position(sent(long)) == only_position(sent(short))


def test_cbor_is_read_like_json() -> None:
    said = FIX | {"ts": TS, "seq": 1}
    assert only_position(Sent(cbor2.dumps(said))) == only_position(sent(said))


def test_unknown_fields_are_ignored_and_known_ones_beside_them_are_not() -> None:
    row = only_position(sent(FIX | {"ts": TS, "seq": 1, "speed": 3, "firmware": {"a": [1, 2]}}))
    assert (row.speed_mps, row.seq) == (3, 1)


def test_an_array_becomes_as_many_rows_each_in_its_own_time() -> None:
    said = [FIX | {"ts": TS - age, "seq": age} for age in (30, 10, 20)]
    assert [row.seq for row in digest(sent(said)).batch.positions] == [30, 10, 20]


def test_an_array_may_be_old_for_it_is_a_buffered_batch_and_a_single_frame_may_not() -> None:
    said = FIX | {"ts": TS - 10 * 86_400, "seq": 1}
    assert digest(sent([said])).batch.positions[0].clock == Clock.DEVICE
    assert digest(Sent(cbor2.dumps([said]))).batch.positions[0].clock == Clock.DEVICE
    assert digest(sent(said)).batch.positions[0].clock == Clock.MAD


def test_one_bad_frame_in_an_array_costs_that_frame_alone() -> None:
    done = digest(
        sent([FIX | {"ts": TS, "seq": 1}, {"lat": 91, "lon": 0, "id": "bad"}, FIX | {"ts": TS, "seq": 3}])
    )
    assert [row.seq for row in done.batch.positions] == [1, 3]
    (refused,) = done.refused
    assert json.loads(refused.payload) == {"lat": 91, "lon": 0, "id": "bad"}
    assert "lat: above 90" in refused.reason
    assert answers(done) == [("mayday/v1/dev/watch-1/ack", {"id": "bad", "ok": False, "err": refused.reason})]


def test_a_receiver_without_a_fix_puts_nobody_into_the_gulf_of_guinea() -> None:
    done = digest(sent({"lat": 0, "lon": 0, "ts": TS}), sent([{"lat": 0.0, "lon": 0.0, "ts": TS}]))
    assert done.batch == Batch()
    assert ["no fix" in each.reason for each in done.refused] == [True, True]


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"nonsense", b"\xff\xfe", b"[[]]", b"{}", b"null", b"\x00" * 70_000]
)
def test_what_does_not_parse_is_set_aside_whole(payload: bytes) -> None:
    done = digest(Sent(payload), sent(FIX | {"ts": TS, "seq": 1}))
    assert len(done.batch.positions) == 1
    assert len(done.refused) == 1
    assert done.refused[0].reason


def test_an_id_that_can_be_read_is_answered_even_where_nothing_else_can() -> None:
    done = digest(Sent(b'{"id":"7f3a","lat":41.3,'))
    assert answers(done)[0][1] | {"err": ""} == {"id": "7f3a", "ok": False, "err": ""}


def test_a_frame_with_an_id_is_answered_and_one_without_is_not() -> None:
    done = digest(
        sent(FIX | {"ts": TS, "id": "a"}), sent(FIX | {"ts": TS}), sent({"hr": 70, "id": "b"}, "vitals")
    )
    assert [said for _, said in answers(done)] == [{"id": "a", "ok": True}, {"id": "b", "ok": True}]


def test_an_unknown_device_and_a_foreign_topic_are_set_aside() -> None:
    done = digest(
        Sent(b'{"id":"x"}', uid="stranger"),
        Sent(b"{}", channel="sos"),
        Sent(b"{}", channel="nonsense"),
        Sent(b"{}", uid="a b"),
    )
    assert done.batch == Batch()
    assert done.refused[0].reason == "unknown device"
    assert answers(done) == [
        ("mayday/v1/dev/stranger/ack", {"id": "x", "ok": False, "err": "unknown device"})
    ]
    assert {each.reason for each in done.refused[1:]} == {"not a topic of this lane"}


def test_a_reply_to_nothing_is_set_aside_and_told_so() -> None:
    done = digest(sent({"id": "o1", "ok": True}, "reply"), sent({"id": "c7", "ok": True}, "reply"))
    assert (done.refused, done.answers) == ([], [])
    refusals = [handlers.NOT_ASKED, None]
    unasked = handlers.find_unasked(done, refusals)
    handlers.answer_replies(done, refusals)
    assert [handlers.as_refused(reply).reason for reply in unasked] == ["nothing was asked under this id"]
    assert [answer["ok"] for _, answer in answers(done)] == [False, True]


def test_a_reply_that_comes_too_late_is_told_why_and_not_set_aside() -> None:
    done = digest(sent({"id": "h1", "ok": True}, "reply"))
    assert handlers.find_unasked(done, ["taken care of"]) == []
    handlers.answer_replies(done, ["taken care of"])
    assert answers(done) == [("mayday/v1/dev/watch-1/ack", {"id": "h1", "ok": False, "err": "taken care of"})]


# Presence.


def test_a_status_says_whether_a_device_is_there() -> None:
    (row,) = digest(sent({"s": "online", "fw": "1.4.2", "boot": 17, "bat": 60}, "status")).batch.presences
    assert (row.device_id, row.at, row.presence, row.firmware) == (1, NOON, Presence.ONLINE, "1.4.2")
    assert (row.boot, row.battery_pct) == (17, 60)


def test_a_will_counts_from_when_it_arrives_however_old_the_time_in_it_is() -> None:
    (row,) = digest(sent({"s": "offline", "ts": TS - 90_000}, "status")).batch.presences
    assert row.at == NOON


def test_taking_back_a_retained_status_says_nothing() -> None:
    done = digest(Sent(b"", channel="status"))
    assert (done.batch, done.refused) == (Batch(), [])


# Times.


@pytest.mark.parametrize(
    ("said", "at", "clock"),
    [
        ({"ts": TS - 60}, NOON - timedelta(minutes=1), Clock.DEVICE),
        ({"ts": (TS - 60) * 1000 + 250}, NOON - timedelta(seconds=59.75), Clock.DEVICE),
        ({"ts": "2026-06-01T11:59:00Z"}, NOON - timedelta(minutes=1), Clock.DEVICE),
        ({"age": 30}, NOON - timedelta(seconds=30), Clock.AGE),
        ({}, NOON, Clock.ARRIVAL),
        ({"ts": 946_684_900}, NOON, Clock.MAD),
        ({"ts": TS + 3_600}, NOON, Clock.MAD),
        ({"ts": TS - 3 * 86_400}, NOON, Clock.MAD),
        ({"ts": "yesterday"}, NOON, Clock.MAD),
        ({"ts": [1]}, NOON, Clock.MAD),
        ({"ts": {"a": 1}}, NOON, Clock.MAD),
    ],
)
def test_a_time_is_believed_within_bounds(said: dict[str, Any], at: datetime, clock: Clock) -> None:
    row = only_position(sent(FIX | said))
    assert (row.at, row.clock) == (at, clock)


@given(ts=some.one_of(some.integers(), some.floats(allow_nan=False, allow_infinity=False), some.text()))
def test_no_clock_however_mad_makes_a_chunk_of_its_own(ts: Any) -> None:
    done = digest(sent(FIX | {"ts": ts}), sent([FIX | {"ts": ts}]), sent({"ts": ts}, "vitals"))
    times = [row.at for row in done.batch.positions] + [row.at for row in done.batch.vitals]
    assert len(times) == 3
    assert NOON - timedelta(days=30) <= min(times)
    assert max(times) <= NOON + timedelta(minutes=5)


# Telling samples apart.


def test_a_sample_without_a_sequence_number_is_the_same_when_it_comes_again_later() -> None:
    said = FIX | {"ts": TS - 5, "bat": 50}
    first, again = only_position(sent(said)), only_position(sent(said), at=NOON + timedelta(minutes=1))
    assert first.seq < 0
    assert (first.at, first.seq) == (again.at, again.seq)


def test_different_samples_of_the_same_second_are_both_kept() -> None:
    rows = digest(sent(FIX | {"ts": TS, "bat": 50}), sent(FIX | {"ts": TS, "bat": 51})).batch.positions
    assert len({row.seq for row in rows}) == 2


def test_the_number_made_from_the_content_is_the_same_in_every_process() -> None:
    assert only_position(sent(FIX | {"ts": TS, "bat": 50})).seq == -4421283275340905166


def test_a_sample_sent_again_by_its_device_inside_an_array_is_the_same() -> None:
    said = FIX | {"ts": TS - 5}
    alone = only_position(sent(said)).seq
    assert alone in {row.seq for row in digest(sent([FIX | {"ts": TS - 9, "bat": 1}, said])).batch.positions}


def test_without_a_clock_the_place_in_the_array_tells_equal_samples_apart() -> None:
    rows = digest(sent([FIX, FIX])).batch.positions
    assert len({row.seq for row in rows}) == 2


def test_equal_samples_without_a_clock_that_waited_in_the_broker_are_all_kept() -> None:
    rows = digest(sent(FIX), sent(FIX), sent({"hr": 70}, "vitals"), sent([FIX])).batch.positions
    assert len({(row.at, row.seq) for row in rows}) == 3
    assert max(row.at for row in rows) - NOON < timedelta(milliseconds=1)


def test_without_a_clock_a_sequence_that_began_anew_is_told_from_the_old_one() -> None:
    one, other = (
        only_position(sent(FIX | {"seq": 1, "bat": 50})),
        only_position(sent(FIX | {"seq": 1, "bat": 49})),
    )
    assert one.seq != other.seq


def test_a_growing_age_does_not_make_another_sample() -> None:
    first = only_position(sent(FIX | {"age": 3, "id": "a"}))
    again = only_position(sent(FIX | {"age": 9, "id": "a"}), at=NOON + timedelta(seconds=6))
    assert (first.at, first.seq) == (again.at, again.seq)


def test_only_what_has_no_clock_and_may_have_come_before_is_doubtful() -> None:
    done = digest(
        sent(FIX | {"ts": TS, "seq": 1}, duplicate=True),
        sent(FIX | {"bat": 1}),
        sent(FIX | {"bat": 2}, duplicate=True),
        sent(FIX | {"bat": 3, "id": "a"}),
        sent(FIX | {"bat": 4, "ts": 946_684_900}, duplicate=True),
        sent({"hr": 70}, "vitals", duplicate=True),
    )
    assert [row.battery_pct for row in done.batch.positions] == [None, 1]
    assert [row.battery_pct for row in done.batch.doubtful_positions] == [2, 3, 4]
    assert len(done.batch.doubtful_vitals) == 1


# The short way and the long way.

_NUMBERS = some.one_of(some.none(), some.integers(-400, 400), some.floats(-400, 400), some.text(max_size=4))
_POSITIONS = some.fixed_dictionaries(
    {"lat": some.floats(-95, 95), "lon": some.floats(-185, 185)},
    optional=dict.fromkeys(
        ("ts", "age", "seq", "alt", "acc", "spd", "speed", "dir", "bat", "id", "x"), _NUMBERS
    ),
)
_VITALS = some.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("ts", "age", "seq", "hr", "heart_rate", "spo2", "temp", "steps", "bat", "id"), _NUMBERS
    )
    | {"worn": some.one_of(some.none(), some.booleans(), some.integers(0, 2))},
)


@given(said=_POSITIONS)
def test_a_fix_is_the_same_whichever_way_it_is_read(said: dict[str, Any]) -> None:
    _assert_both_ways_agree(said, "pos", PosFrame)


@given(said=_VITALS)
def test_vitals_are_the_same_whichever_way_they_are_read(said: dict[str, Any]) -> None:
    _assert_both_ways_agree(said, "vitals", VitalsFrame)


def _assert_both_ways_agree(said: dict[str, Any], channel: str, frame: type[PosFrame | VitalsFrame]) -> None:
    # CBOR always takes the long way.
    short, long = digest(sent(said, channel)), digest(Sent(cbor2.dumps(said), channel))
    assert short.batch == long.batch
    assert [each.reason for each in short.refused] == [each.reason for each in long.refused]
    assert short.answers == long.answers


@given(
    payload=some.one_of(
        some.binary(max_size=200),
        some.recursive(
            some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
            lambda inner: (
                some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=5), inner, max_size=4)
            ),
            max_leaves=10,
        ).map(lambda said: json.dumps(said).encode()),
    ),
    channel=some.sampled_from(["pos", "vitals", "status", "reply"]),
)
def test_no_payload_whatever_stops_the_lane_or_vanishes(payload: bytes, channel: str) -> None:
    done = digest(Sent(payload, channel), sent(FIX | {"ts": TS, "seq": 1}))
    assert FIX["lat"] in {row.lat for row in done.batch.positions}
    batch = done.batch
    kept = len(batch.positions) + len(batch.vitals) + len(batch.presences) + len(done.refused)
    assert kept >= 2 or (channel == "status" and not payload)
