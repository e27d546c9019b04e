"""Every topic there is, once: names, rights and the published contract come from here."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

ROOT = "mayday/v1"
DEVICES = f"{ROOT}/dev"
ALERTS = f"{ROOT}/alerts"
OWNTRACKS = "owntracks"

DEFAULT_REGION = "default"
"""Takes the alerts that lie in no other region; every dispatcher reads it: an unplaced call is everyone's."""

MAX_TOPIC_CHARACTERS = 256
MAX_UID_CHARACTERS = 64


_UID = re.compile(rf"[A-Za-z0-9._:-]{{1,{MAX_UID_CHARACTERS}}}")
_REGION = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OWNTRACKS_DEVICE = re.compile(r"[^/+#\x00-\x1f\x7f]{1,64}")


class Way(StrEnum):
    UP = "up"
    DOWN = "down"


class Channel(StrEnum):
    """The last segment of a device topic."""

    SOS = "sos"
    POS = "pos"
    VITALS = "vitals"
    STATUS = "status"
    REPLY = "reply"
    ACK = "ack"
    STATE = "state"
    OFFER = "offer"
    CMD = "cmd"
    CONFIG = "config"


class AlertKind(StrEnum):
    """What an alert is about."""

    SOS = "sos"
    ORDER = "order"
    SYSTEM = "system"


_CHANNELS = {channel.value: channel for channel in Channel}
_ALERT_KINDS = {kind.value: kind for kind in AlertKind}


class Service(StrEnum):
    """Our own users of the broker, called as no device can be; the bench's is there only when asked for."""

    INGEST = "@ingest"
    NOTIFIER = "@notifier"
    API = "@api"
    KEEPER = "@keeper"
    AUDIT = "@audit"
    BENCH = "@bench"


@dataclass(frozen=True, slots=True)
class Line:
    """One device channel of the contract; `other` is the account at its far end."""

    channel: Channel
    way: Way
    qos: tuple[int, ...]
    retain: bool
    other: Service
    summary: str

    def filter(self, name: str = "+") -> str:
        """Matches this channel of every device, or of the one with this wire name."""
        return f"{DEVICES}/{name}/{self.channel}"


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One kind of alert topic; `key` names its last segment."""

    kind: AlertKind
    key: str
    kept: str
    summary: str

    def filter(self) -> str:
        """Matches this kind in every region."""
        return f"{ALERTS}/+/{self.kind}/+"


_LINES = (
    Line(Channel.SOS, Way.UP, (1, 0), False, Service.INGEST, "a call for help, or its cancel"),
    Line(Channel.POS, Way.UP, (0, 1), False, Service.INGEST, "a fix, or an array of them"),
    Line(
        Channel.VITALS,
        Way.UP,
        (0, 1),
        False,
        Service.INGEST,
        "heart rate, SpO2, temperature, steps, worn",
    ),
    Line(Channel.STATUS, Way.UP, (1,), True, Service.INGEST, "online, offline or sleeping; also the Will"),
    Line(Channel.REPLY, Way.UP, (1,), False, Service.INGEST, "the answer to a command or offer, by its id"),
    Line(Channel.ACK, Way.DOWN, (1,), False, Service.INGEST, "the server has stored, or refused, frame `id`"),
    Line(Channel.STATE, Way.DOWN, (1,), True, Service.NOTIFIER, "what becomes of this device's open SOS"),
    Line(
        Channel.OFFER,
        Way.DOWN,
        (1,),
        False,
        Service.NOTIFIER,
        "an order or a call for help, with its deadline",
    ),
    Line(
        Channel.CMD,
        Way.DOWN,
        (1,),
        False,
        Service.NOTIFIER,
        "locate now, report every n s, ring, message",
    ),
    Line(Channel.CONFIG, Way.DOWN, (1,), True, Service.NOTIFIER, "the reporting profile, with a version"),
)
LINES: dict[Channel, Line] = {line.channel: line for line in _LINES}

_ALERT_LINES = (
    AlertLine(AlertKind.SOS, "incident", "while open", "the incident as it stands"),
    AlertLine(AlertKind.ORDER, "order", "while it needs a person", "an order that nobody took"),
    AlertLine(AlertKind.SYSTEM, "what", "while it lasts", "the chain itself is ill"),
)
ALERT_LINES: dict[AlertKind, AlertLine] = {line.kind: line for line in _ALERT_LINES}


def is_uid(text: str) -> bool:
    """Whether a device may be called so."""
    return _UID.fullmatch(text) is not None


def is_region(text: str) -> bool:
    """Whether a region's slug may stand in a topic."""
    return _REGION.fullmatch(text) is not None


def second_name(uid: str) -> str:
    """A device's other username, for every second of its secrets: the prefix of its topics."""
    return f"{DEVICES}/{uid}"


def is_username(text: str) -> bool:
    """Whether a device or a dispatcher may log in under it."""
    return is_uid(text.removeprefix(f"{DEVICES}/"))


def wire_name(uid: str) -> str:
    """The uid in topics and as username: its colons, which a password file cannot hold, become '='."""
    return uid.replace(":", "=")


def uid_of(wire_name: str) -> str:
    """The uid behind a username or a topic segment."""
    return wire_name.replace("=", ":")


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """One channel of one device."""

    uid: str
    channel: Channel

    def __str__(self) -> str:
        return f"{DEVICES}/{wire_name(self.uid)}/{self.channel}"


@dataclass(frozen=True, slots=True)
class AlertTopic:
    """One open matter of one region."""

    region: str
    kind: AlertKind
    key: str

    def __str__(self) -> str:
        return f"{ALERTS}/{self.region}/{self.kind}/{self.key}"


@dataclass(frozen=True, slots=True)
class OwnTracksTopic:
    """A message of the OwnTracks app; its user is the uid, `leaf` what follows the phone's own name."""

    uid: str
    device: str
    leaf: str | None = None

    def __str__(self) -> str:
        topic = f"{OWNTRACKS}/{wire_name(self.uid)}/{self.device}"
        return topic if self.leaf is None else f"{topic}/{self.leaf}"


@dataclass(frozen=True, slots=True)
class ForeignTopic:
    """A topic that is none of ours, and why."""

    topic: str
    reason: str

    def __str__(self) -> str:
        return self.topic


OWNTRACKS_FILTERS = (f"{OWNTRACKS}/+/+", f"{OWNTRACKS}/+/+/+")

Topic = DeviceTopic | AlertTopic | OwnTracksTopic | ForeignTopic


def device(uid: str, channel: Channel) -> str:
    """Name one channel of one device; a uid that would break out of its own topics raises ValueError."""
    if not is_uid(uid):
        raise ValueError(f"not a device uid: {uid!r}")
    return str(DeviceTopic(uid, channel))


def alert(region: str, kind: AlertKind, key: UUID | str) -> str:
    """Name the topic of one open matter."""
    if not is_region(region):
        raise ValueError(f"not a region: {region!r}")
    if not _KEY.fullmatch(str(key)):
        raise ValueError(f"not an alert's key: {key!r}")
    return str(AlertTopic(region, kind, str(key)))


# The same few topics come again with every frame of a device; the cache makes parsing them one look-up.
@lru_cache(maxsize=65_536)
def parse(topic: str) -> Topic:
    """Say what a topic is; never raises, rubbish is a ForeignTopic with its reason."""
    if len(topic) > MAX_TOPIC_CHARACTERS:
        return ForeignTopic(topic[:MAX_TOPIC_CHARACTERS], "too long")
    match topic.split("/"):
        case ["mayday", "v1", "dev", name, channel]:
            return _parse_device(topic, name, channel)
        case ["mayday", "v1", "alerts", region, kind, key]:
            return _parse_alert(topic, region, kind, key)
        case ["owntracks", name, phone]:
            return _parse_owntracks(topic, name, phone, None)
        case ["owntracks", name, phone, leaf]:
            return _parse_owntracks(topic, name, phone, leaf)
    return ForeignTopic(topic, "not a topic of the contract")


def _parse_device(topic: str, name: str, channel: str) -> Topic:
    uid = uid_of(name)
    if not is_uid(uid):
        return ForeignTopic(topic, "not a device uid")
    known = _CHANNELS.get(channel)
    return DeviceTopic(uid, known) if known else ForeignTopic(topic, "unknown channel")


def _parse_alert(topic: str, region: str, kind: str, key: str) -> Topic:
    if not is_region(region):
        return ForeignTopic(topic, "not a region")
    known = _ALERT_KINDS.get(kind)
    if known is None:
        return ForeignTopic(topic, "unknown kind of alert")
    if not _KEY.fullmatch(key):
        return ForeignTopic(topic, "not an alert's key")
    return AlertTopic(region, known, key)


def _parse_owntracks(topic: str, name: str, phone: str, leaf: str | None) -> Topic:
    uid = uid_of(name)
    if not is_uid(uid):
        return ForeignTopic(topic, "not a device uid")
    if not _OWNTRACKS_DEVICE.fullmatch(phone) or (leaf is not None and not _KEY.fullmatch(leaf)):
        return ForeignTopic(topic, "not a name OwnTracks gives")
    return OwnTracksTopic(uid, phone, leaf)


def alert_filters(regions: Iterable[str] | None) -> list[str]:
    """What a dispatcher may read: its regions and the default one, or everything where `regions` is None."""
    if regions is None:
        return [f"{ALERTS}/#"]
    return [f"{ALERTS}/{region}/#" for region in sorted({DEFAULT_REGION, *regions}) if is_region(region)]


def may_read_alert(regions: Iterable[str] | None, topic: AlertTopic) -> bool:
    """Whether a dispatcher of these regions sees this alert: the same rule as `alert_filters`."""
    return may_see_region(regions, topic.region)


def may_see_region(regions: Iterable[str] | None, region: str) -> bool:
    """Whether this region is among those a dispatcher watches."""
    return regions is None or region == DEFAULT_REGION or region in regions
