import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import topics
from broker.topics import (
    LINES,
    AlertKind,
    AlertTopic,
    Channel,
    DeviceTopic,
    ForeignTopic,
    OwnTracksTopic,
    Service,
    parse,
)

UIDS = st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)
REGIONS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True)


@given(UIDS, st.sampled_from(Channel))
def test_a_device_topic_reads_as_it_was_built(uid: str, channel: Channel) -> None:
    assert parse(topics.device(uid, channel)) == DeviceTopic(uid, channel)


@given(REGIONS, st.sampled_from(AlertKind), st.uuids())
def test_an_alert_topic_reads_as_it_was_built(region: str, kind: AlertKind, key: object) -> None:
    assert parse(topics.alert(region, kind, str(key))) == AlertTopic(region, kind, str(key))


@given(UIDS, st.sampled_from([None, "event", "cmd", "waypoints"]))
def test_an_owntracks_topic_reads_as_it_was_built(uid: str, leaf: str | None) -> None:
    topic = OwnTracksTopic(uid, "my phone", leaf)
    assert parse(str(topic)) == topic


@given(st.text() | st.lists(st.text(max_size=5)).map("/".join))
def test_rubbish_never_raises(topic: str) -> None:
    assert parse(topic) is not None


@given(st.text(), st.sampled_from(Channel))
def test_what_reads_as_a_device_topic_is_one_of_its_own_names(uid: str, channel: Channel) -> None:
    read = parse(f"mayday/v1/dev/{uid}/{channel}")
    assert isinstance(read, ForeignTopic) or (topics.is_uid(read.uid) and parse(str(read)) == read)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("", "not a topic of the contract"),
        ("mayday/v1/dev/w1", "not a topic of the contract"),
        ("mayday/v2/dev/w1/sos", "not a topic of the contract"),
        ("mayday/v1/dev/w1/sos/more", "not a topic of the contract"),
        ("mayday/v1/dev/w1/SOS", "unknown channel"),
        ("mayday/v1/dev//sos", "not a device uid"),
        ("mayday/v1/dev/+/sos", "not a device uid"),
        ("mayday/v1/dev/w 1/sos", "not a device uid"),
        (f"mayday/v1/dev/{'x' * 65}/sos", "not a device uid"),
        ("mayday/v1/alerts/North/sos/1", "not a region"),
        ("mayday/v1/alerts/north/fire/1", "unknown kind of alert"),
        ("mayday/v1/alerts/north/sos/a b", "not an alert's key"),
        ("owntracks/@ingest/phone", "not a device uid"),
        ("x" * 70_000, "too long"),
    ],
)
def test_a_foreign_topic_says_why(topic: str, reason: str) -> None:
    read = parse(topic)
    assert isinstance(read, ForeignTopic)
    assert read.reason == reason


@pytest.mark.parametrize("uid", ["", "a/b", "+", "#", "a#", "ü", "a\n", "a" * 65, "@ingest", "a=b"])
def test_a_uid_that_would_break_out_of_its_topics_is_refused(uid: str) -> None:
    with pytest.raises(ValueError, match="not a device uid"):
        topics.device(uid, Channel.ACK)


@pytest.mark.parametrize(("region", "key"), [("", "1"), ("+", "1"), ("a/b", "1"), ("a", ""), ("a", "#")])
def test_an_alert_topic_with_wildcards_is_refused(region: str, key: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        topics.alert(region, AlertKind.SOS, key)


def test_a_colon_travels_as_an_equals_sign_for_password_files_end_names_with_it() -> None:
    topic = topics.device("AA:BB:CC", Channel.SOS)
    assert topic == "mayday/v1/dev/AA=BB=CC/sos"
    assert parse(topic) == DeviceTopic("AA:BB:CC", Channel.SOS)


def test_every_channel_has_its_line() -> None:
    assert set(LINES) == set(Channel)


def test_no_device_can_be_called_like_a_service() -> None:
    assert not any(topics.is_uid(service) for service in Service)


def test_a_dispatcher_reads_its_regions_and_what_lies_in_none() -> None:
    assert topics.alert_filters(["north"]) == ["mayday/v1/alerts/default/#", "mayday/v1/alerts/north/#"]
    assert topics.alert_filters([]) == ["mayday/v1/alerts/default/#"]
    assert topics.alert_filters(None) == ["mayday/v1/alerts/#"]


def test_a_region_with_wildcards_opens_nothing() -> None:
    assert topics.alert_filters(["#", "+", "a/#"]) == ["mayday/v1/alerts/default/#"]


@pytest.mark.parametrize(
    ("regions", "region", "may"),
    [
        (None, "north", True),
        (["north"], "north", True),
        (["north"], "default", True),
        (["north"], "south", False),
        ([], "south", False),
    ],
)
def test_the_hub_lets_a_dispatcher_see_what_the_broker_would(
    regions: list[str] | None, region: str, may: bool
) -> None:
    assert topics.may_read_alert(regions, AlertTopic(region, AlertKind.SOS, "1")) is may
