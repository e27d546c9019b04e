"""The compose file is well formed, and each of its variables is explained and refused where it must be."""

import re
from pathlib import PurePosixPath
from typing import Any

import pytest

from tests.contracts.compose import CHECKOUT, EnvExample, Services, mounts, ours, read, variables, waits_for

TOP_LEVEL = {"name", "services", "networks", "secrets", "volumes"}
SERVICE_KEYS = {
    *("build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "hostname", "image"),
    *("init", "logging", "networks", "pids_limit", "ports", "read_only", "restart", "security_opt"),
    *("secrets", "shm_size", "stop_grace_period", "tmpfs", "ulimits", "user", "volumes"),
}
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period", "start_interval"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
DURATION = r"(?=\d)(\d+h)?(\d+m)?(\d+s)?"


def test_every_key_is_one_that_the_specification_knows(compose: dict[str, Any]) -> None:
    assert {key for key in compose if not key.startswith("x-")} == TOP_LEVEL
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert set(service.get("healthcheck", {})) <= HEALTH_KEYS, name


def test_durations_are_durations(services: Services) -> None:
    for name, service in services.items():
        health = service.get("healthcheck", {})
        found = [health[key] for key in health if key not in ("test", "retries")]
        for duration in [*found, service.get("stop_grace_period", "10s")]:
            assert re.fullmatch(DURATION, duration), f"{name}: {duration}"


def test_environments_are_maps_of_text(services: Services) -> None:
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            assert isinstance(value, str), f"{name}: {key} is not quoted"


def test_networks_and_volumes_that_are_used_are_declared_and_the_other_way_round(
    compose: dict[str, Any], services: Services
) -> None:
    assert {each for s in services.values() for each in s["networks"]} == set(compose["networks"])
    named = {mount.source for s in services.values() for mount in mounts(s) if not mount.is_bind}
    assert named == set(compose["volumes"])


def test_whoever_is_waited_for_exists_and_can_fulfil_the_condition(services: Services) -> None:
    for name, service in services.items():
        for awaited, entry in service.get("depends_on", {}).items():
            assert entry["condition"] in CONDITIONS, name
            if entry["condition"] == "service_healthy":
                assert "healthcheck" in services[awaited], f"{name} waits for {awaited} in vain"
            if entry["condition"] == "service_completed_successfully":
                assert services[awaited]["restart"] == "no", f"{name} waits for {awaited} in vain"
        assert name not in waits_for(services, name)


def test_mounted_paths_exist_in_the_checkout_or_are_named_volumes(services: Services) -> None:
    for name, service in services.items():
        for mount in mounts(service):
            assert PurePosixPath(mount.target).is_absolute(), name
            if mount.is_bind:
                assert mount.source.startswith("./"), f"{name} mounts {mount.source} of the host"
                assert (CHECKOUT / mount.source).is_file(), f"{name}: {mount.source}"
                assert mount.read_only, f"{name} could write {mount.source}"


def test_each_is_in_the_example_and_each_of_the_example_is_used(
    compose_text: str, env_example: EnvExample
) -> None:
    used = {variable.name for variable in variables(compose_text)}
    assert used == env_example.required | set(env_example.defaults)


def test_what_has_no_default_is_refused_with_advice(compose_text: str, env_example: EnvExample) -> None:
    for variable in variables(compose_text):
        if variable.name in env_example.required:
            assert variable.how == ":?", f"{variable.name} would be silently empty"
            assert ".env.example" in variable.rest
        else:
            assert variable.how == ":-", f"{variable.name} has no default"


def test_the_defaults_of_the_example_are_those_of_the_file(
    compose_text: str, env_example: EnvExample
) -> None:
    said = {variable.name: variable.rest for variable in variables(compose_text) if variable.how == ":-"}
    assert said == env_example.defaults


@pytest.mark.parametrize(
    "secret",
    [
        "MAYDAY_SECRET",
        "MAYDAY_POSTGRES_PASSWORD",
        "MAYDAY_POSTGRES_SUPERUSER_PASSWORD",
        "MAYDAY_REDIS_PASSWORD",
    ],
)
def test_without_a_secret_nothing_starts(compose_text: str, env_example: EnvExample, secret: str) -> None:
    with pytest.raises(KeyError, match=secret):
        read(compose_text, {**env_example.filled_in, secret: ""})


def test_every_line_of_the_example_is_explained(env_example: EnvExample) -> None:
    for paragraph in env_example.text.strip().split("\n\n"):
        assert re.match(r"# [A-Z]", paragraph), paragraph


def test_each_service_is_told_only_what_it_needs(services: Services) -> None:
    told = {
        name: {key for key in service.get("environment", {}) if re.search("SECRET|_URL|PASSWORD|TOKEN", key)}
        for name, service in services.items()
    }
    database, broker = {"MAYDAY_DATABASE_URL"}, {"MAYDAY_SECRET"}
    assert told == {
        "database": {"POSTGRES_PASSWORD"},
        "redis": {"REDIS_PASSWORD"},
        "broker": set(),
        "prepare": database | broker | {"MAYDAY_SUPERUSER_URL"},
        "dispatch": database | broker | {"MAYDAY_PUBLIC_URL"},
        "jobs": database | {"MAYDAY_REDIS_URL"},
        "notifier": database | broker | {"MAYDAY_SMS_URL", "MAYDAY_SMS_TOKEN", "MAYDAY_SMTP_URL"},
        "audit": database | broker | {"MAYDAY_HEARTBEAT_URL"},
        "api": database | broker | {"MAYDAY_SMS_HOOK_TOKEN"},
        **dict.fromkeys(("keeper", "sos-1", "sos-2", "telemetry", "orders"), database | broker),
    }


def test_every_setting_of_a_container_is_one_that_something_reads(services: Services) -> None:
    read_somewhere = "\n".join(
        path.read_text(encoding="utf-8")
        for room in ("api", "broker", "db", "dispatch", "ingest", "notifier", "ops")
        for path in (CHECKOUT / room).rglob("*.py")
    )
    for name, service in ours(services).items():
        for key in service["environment"]:
            field = key.removeprefix("MAYDAY_").lower()
            assert re.search(rf"\b{key}\b|^    {field}:", read_somewhere, re.MULTILINE), f"{name}: {key}"
