"""Who may read and write what: generated from the registry of topics, written as Mosquitto's lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from broker.topics import ALERTS, LINES, OWNTRACKS, OWNTRACKS_FILTERS, Line, Service, Way, alert_filters


class Access(StrEnum):
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Right:
    """One line of an access list."""

    access: Access
    filter: str


_OWN_NAME = "%u"  # Mosquitto puts the user's name here


def device_rights() -> list[Right]:
    """What each user may do: its own topics, and no other's."""
    return [
        *(Right(_near_end(line), line.filter(_OWN_NAME)) for line in LINES.values()),
        # Under its second name, which is the prefix of its topics.
        *(Right(_near_end(line), f"{_OWN_NAME}/{line.channel}") for line in LINES.values()),
        Right(Access.WRITE, f"{OWNTRACKS}/{_OWN_NAME}/+"),
        Right(Access.WRITE, f"{OWNTRACKS}/{_OWN_NAME}/+/+"),
        Right(Access.READ, f"{OWNTRACKS}/{_OWN_NAME}/+/cmd"),
    ]


def service_rights(service: Service) -> list[Right]:
    """The least that a service needs."""
    far_ends = [Right(_far_end(line), line.filter()) for line in LINES.values() if line.other is service]
    match service:
        case Service.INGEST:
            return [*far_ends, *(Right(Access.READ, topic) for topic in OWNTRACKS_FILTERS)]
        case Service.NOTIFIER:
            return [*far_ends, Right(Access.WRITE, f"{ALERTS}/#")]
        case Service.API | Service.AUDIT:
            return [Right(Access.READ, f"{ALERTS}/#")]
        case Service.KEEPER:
            return [Right(Access.READ, "$SYS/#")]
        case Service.BENCH:
            return [
                *(Right(_near_end(line), line.filter()) for line in LINES.values()),
                *(Right(Access.WRITE, topic) for topic in OWNTRACKS_FILTERS),
                Right(Access.READ, f"{ALERTS}/#"),
            ]


def _near_end(line: Line) -> Access:
    return Access.WRITE if line.way is Way.UP else Access.READ


def _far_end(line: Line) -> Access:
    return Access.READ if line.way is Way.UP else Access.WRITE


def access_list(dispatchers: Iterable[tuple[str, Iterable[str] | None]], services: Iterable[Service]) -> str:
    """Everybody by pattern on the own name, dispatchers also by their regions, services by what they do."""
    lines = [f"pattern {right.access} {right.filter}" for right in device_rights()]
    for username, regions in dispatchers:
        lines += ["", f"user {username}"]
        lines += [f"topic {Access.READ} {topic}" for topic in alert_filters(regions)]
    for service in services:
        lines += ["", f"user {service}"]
        lines += [f"topic {right.access} {right.filter}" for right in service_rights(service)]
    return "\n".join(lines) + "\n"
