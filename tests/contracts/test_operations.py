"""docs/operations.md says what is true: settings, ports, processes and commands are those of the code."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings
from typer.main import get_command

from ops import cli, ports
from tests.contracts.compose import CHECKOUT, SERVERS, EnvExample, Services

ROOMS = ("api", "broker", "db", "dispatch", "ingest", "notifier", "ops")
# What our processes tell each other, and what belongs to compose alone.
UNTOLD = {"MAYDAY_PROGRAM"}
CONTAINERS_ONLY = {"MAYDAY_POSTGRES_PASSWORD", "MAYDAY_POSTGRES_SUPERUSER_PASSWORD", "MAYDAY_REDIS_PASSWORD"}
FOR_PREPARE = {"MAYDAY_SUPERUSER_URL", "MAYDAY_AUTHORITY_DIR"}


@pytest.fixture(scope="module")
def text() -> str:
    return (CHECKOUT / "docs/operations.md").read_text(encoding="utf-8")


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of every table under a heading."""
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in lines]
    return [row for row in cells if not set("".join(row)) <= {"-", "|"}]


def sources() -> list[Path]:
    return [path for room in ROOMS for path in (CHECKOUT / room).rglob("*.py")]


def settings() -> dict[str, Any]:
    """Every variable a settings class reads, with its default."""
    found: dict[str, Any] = {}
    for path in sources():
        if not re.search(r"^class \w+\(\w*Settings\):", path.read_text(encoding="utf-8"), re.MULTILINE):
            continue
        module = importlib.import_module(".".join(path.relative_to(CHECKOUT).with_suffix("").parts))
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, BaseSettings) and each is not BaseSettings:
                prefix = each.model_config["env_prefix"]
                for name, field in each.model_fields.items():
                    found[f"{prefix}{name}".upper()] = field.default
    return found


def test_every_setting_is_in_the_table_and_each_of_the_table_exists(text: str) -> None:
    documented = set(re.findall(r"`(MAYDAY_[A-Z_]+)`", text))
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources())
    named = set(re.findall(r"\bMAYDAY_[A-Z_]*[A-Z]\b", code)) | {ports.variable(name) for name in ports.USUAL}
    assert documented - CONTAINERS_ONLY == (set(settings()) | named) - UNTOLD - FOR_PREPARE - CONTAINERS_ONLY


def test_the_defaults_are_those_of_the_code(text: str) -> None:
    known = settings()
    shown = {row[0].strip("`"): row[1].strip("`") for row in rows(text, "Settings") if row[0].startswith("`")}
    for name, default in known.items():
        if name in FOR_PREPARE or shown[name].startswith("the "):
            continue
        if default is PydanticUndefined:
            assert shown[name] == "required", name
        elif default is None:
            assert shown[name] == "", name
        elif default == frozenset():
            assert shown[name] == "[]", name
        else:
            value = default.get_secret_value() if hasattr(default, "get_secret_value") else default
            assert shown[name] == str(value), name


def test_what_is_said_to_work_in_containers_is_handed_to_them(
    text: str, env_example: EnvExample, services: Services
) -> None:
    columns = {row[0].strip("`"): row[3] for row in rows(text, "Settings") if len(row) == 5}
    told = {key for service in services.values() for key in service.get("environment", {})}
    for name, said in columns.items():
        if name.startswith("MAYDAY_"):
            assert (said == "yes") == (name in env_example.defaults), name
            assert (said == "set") == (name in told and name not in env_example.defaults), name


def test_the_ports_are_those_of_the_code(text: str) -> None:
    table = {row[2].strip("`"): row[1] for row in rows(text, "Ports")[1:]}
    assert table == {ports.variable(name): str(usual) for name, usual in ports.USUAL.items()}


def test_every_process_is_told_of_under_both_its_names(text: str, services: Services) -> None:
    told = set()
    for embedded, container, _ in rows(text, "Processes")[1:]:
        for name in re.findall(r"`([\w-]+)`", embedded):
            told.add(name if container == "the same" else container.strip("`"))
            if container != "the same":
                assert SERVERS.get(container.strip("`"), name) == name
    assert told == set(services)


def test_the_commands_exist_and_each_is_told_of(text: str) -> None:
    commands = set(getattr(get_command(cli.app), "commands"))  # noqa: B009  (click's groups have them)
    everywhere = set(re.findall(r"(?:\./mayday|MAYDAY_HOME=\S+ \./mayday) ([a-z]+)", text))
    assert everywhere <= commands
    assert commands - {"test", "check", "bench"} <= everywhere


def test_every_volume_is_told_of(text: str, compose: dict[str, Any]) -> None:
    section = text.split("\n## Files\n")[1].split("\n## ")[0]
    assert set(compose["volumes"]) <= set(re.findall(r"`([\w-]+)`", section))


def test_links_between_the_documents_lead_somewhere() -> None:
    pages = [*(CHECKOUT / "docs").rglob("*.md"), *CHECKOUT.glob("*.md")]
    anchors = {page: _anchors(page) for page in pages}
    for page in pages:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if re.match(r"https?:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if target.is_dir():
                continue
            assert target.exists(), f"{page.name} leads to {link}"
            if anchor:
                assert anchor in anchors[target], f"{page.name} leads to {link}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
