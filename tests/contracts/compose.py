"""The compose file as its tests read it: merged, with each ${VARIABLE} replaced as compose would."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
SERVERS = {"database": "postgres", "broker": "mosquitto", "redis": "redis"}
"""The services that are not ours, and what the embedded run calls them."""

ONE_SHOT = "prepare"
Services = dict[str, dict[str, Any]]

_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?:(?P<how>:-|:\?)(?P<rest>[^}]*))?\}|\$(?P<bare>\w+)")


@dataclass(frozen=True)
class Variable:
    """One use of a variable: with a default, or refused when unset."""

    name: str
    how: str
    rest: str


class Strict(yaml.SafeLoader):
    """Refuses a key that is said twice, as compose does; PyYAML would let the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(None, None, f"said twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)


def read(text: str, environ: dict[str, str]) -> dict[str, Any]:
    """The file's content for these variables; a required one that is missing raises KeyError."""

    def fill(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        value = environ.get(match["name"] or match["bare"], "")
        if match["how"] == ":-":
            return value or match["rest"]
        if not value:
            raise KeyError(match[0])
        return value

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: walk(value) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(each) for each in node]
        return _VARIABLE.sub(fill, node) if isinstance(node, str) else node

    content: dict[str, Any] = walk(yaml.load(text, Strict))
    return content


def variables(text: str) -> list[Variable]:
    """Every variable the text uses, in order; comments use none."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [
        Variable(match["name"] or match["bare"], match["how"] or "", match["rest"] or "")
        for match in _VARIABLE.finditer("\n".join(lines))
        if match[0] != "$$"
    ]


@dataclass(frozen=True)
class EnvExample:
    """What .env.example says: what must be filled in, and the defaults of the rest."""

    text: str

    @cached_property
    def required(self) -> set[str]:
        return set(re.findall(r"^([A-Z_]+)=$", self.text, re.MULTILINE))

    @cached_property
    def defaults(self) -> dict[str, str]:
        return dict(re.findall(r"^#([A-Z_]+)=(.*)$", self.text, re.MULTILINE))

    @property
    def filled_in(self) -> dict[str, str]:
        return {name: f"filled-in-{name.lower().replace('_', '-')}" for name in self.required}


@dataclass(frozen=True)
class Mount:
    """One entry of a service's volumes."""

    source: str
    target: str
    read_only: bool

    @property
    def is_bind(self) -> bool:
        return self.source.startswith((".", "/"))


def mounts(service: dict[str, Any]) -> list[Mount]:
    found = []
    for entry in service.get("volumes", []):
        source, target, *mode = entry.split(":")
        found.append(Mount(source, target, read_only="ro" in mode))
    return found


@dataclass(frozen=True)
class Published:
    """One port of a container as the host offers it."""

    address: str
    on_host: int
    in_container: int


def published(service: dict[str, Any]) -> list[Published]:
    found = []
    for entry in service.get("ports", []):
        address, on_host, in_container = entry.rsplit(":", 2)
        found.append(Published(address, int(on_host), int(in_container)))
    return found


def arguments(service: dict[str, Any]) -> list[str]:
    """A process of ours as it is called, without what runs it and how nicely."""
    command = list(service["command"])
    if command[0] == "nice":
        command = command[3:]
    return without_schedule(["-m", *command] if command[0] == "celery" else command[1:])


def without_schedule(words: Sequence[str]) -> list[str]:
    """The words of a command but for the file in which Celery keeps its schedule: a matter of place."""
    kept = list(words)
    if "--schedule" in kept:
        del kept[kept.index("--schedule") : kept.index("--schedule") + 2]
    return kept


def niceness(service: dict[str, Any]) -> int:
    command = service["command"]
    return int(command[2]) if command[0] == "nice" else 0


def ours(services: Services) -> Services:
    return {name: service for name, service in services.items() if name not in SERVERS}


def waits_for(services: Services, name: str) -> set[str]:
    """Everything that must have come up before this one, near and far."""
    near = set(services[name].get("depends_on", {}))
    return near.union(*(waits_for(services, each) for each in near))
