"""The containers run what the embedded run runs, behind the same doors, on the same files."""

import ast
import importlib.util
import re
import tomllib
from pathlib import PurePosixPath
from typing import Any

import pytest

from broker import jobs
from ops import ports
from ops.mosquitto import LISTENERS, setting
from ops.stack import Plan, Stack
from tests.contracts.compose import (
    CHECKOUT,
    ONE_SHOT,
    SERVERS,
    EnvExample,
    Services,
    arguments,
    mounts,
    niceness,
    ours,
    published,
    read,
    waits_for,
    without_schedule,
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The embedded stack, as it would be decided."""
    home = tmp_path_factory.mktemp("home")
    return Stack(home, Plan(ports=dict(ports.USUAL), servers="/servers", data=str(home / "data"), demo=False))


def broker_configuration() -> str:
    return (CHECKOUT / "mosquitto.conf").read_text(encoding="utf-8")


def test_they_are_those_of_the_embedded_run(services: Services, stack: Stack) -> None:
    assert {SERVERS.get(name, name) for name in services} == {each.name for each in stack.programs()}


def test_ours_are_called_as_in_the_embedded_run(services: Services, stack: Stack) -> None:
    for program in stack.programs():
        if program.name in SERVERS.values() or program.name == ONE_SHOT:
            continue
        service = services[program.name]
        assert arguments(service) == without_schedule(program.command[1:]), program.name
        assert niceness(service) == program.niceness, program.name


def test_each_waits_for_at_least_what_it_waits_for_in_the_embedded_run(
    services: Services, stack: Stack
) -> None:
    for program in stack.programs():
        name = next((ours for ours, theirs in SERVERS.items() if theirs == program.name), program.name)
        awaited = {SERVERS.get(each, each) for each in waits_for(services, name)}
        assert set(program.after) <= awaited, f"{name} does not wait for {set(program.after) - awaited}"


def test_each_command_names_a_module_that_can_be_run(services: Services) -> None:
    for name, service in ours(services).items():
        words = arguments(service)
        assert words[0] == "-m", name
        if words[1] == "celery":
            assert importlib.util.find_spec(words[words.index("-A") + 1]), name
            assert jobs.app.main == "mayday"
            continue
        assert has_main(words[1]), f"{name}: python -m {words[1]} does nothing"


def test_the_queue_of_jobs_is_the_one_tasks_are_sent_to(services: Services) -> None:
    words = arguments(services["jobs"])
    assert words[words.index("-Q") + 1] == jobs.QUEUE


def test_all_of_ours_run_from_one_image_as_one_user(services: Services) -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
    user = re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)[-1]
    for name, service in ours(services).items():
        assert (service["image"], service["build"], service["user"]) == ("mayday", ".", user), name


def has_main(module: str) -> bool:
    spec = importlib.util.find_spec(module)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f"{module}.__main__")
    if spec is None or spec.origin is None:
        return False
    tree = ast.parse((CHECKOUT / spec.origin).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in tree.body)


def test_the_broker_publishes_every_listener_but_that_of_our_services(services: Services) -> None:
    listening = {int(port) for port in re.findall(r"^listener (\d+)", broker_configuration(), re.MULTILINE)}
    service_port = next(port for port, name in LISTENERS.items() if name == "mqtt_service")
    assert {each.in_container for each in published(services["broker"])} == listening - {service_port}
    for name in ("keeper", "sos-1", "sos-2", "telemetry", "notifier", "audit", "api"):
        told = services[name]["environment"]
        assert (told["MAYDAY_MQTT_HOST"], told["MAYDAY_MQTT_PORT"]) == ("broker", str(service_port))


def test_the_ports_on_the_host_are_those_of_the_embedded_run(
    services: Services, env_example: EnvExample
) -> None:
    usual = {LISTENERS[each.in_container]: each.on_host for each in published(services["broker"])}
    (api,) = published(services["api"])
    usual["api"] = api.on_host
    assert usual == {name: ports.USUAL[name] for name in usual}
    assert {ports.variable(name) for name in usual} <= set(env_example.defaults)


def test_only_the_broker_and_the_api_can_be_reached(services: Services) -> None:
    assert {name for name, service in services.items() if service.get("ports")} == {"broker", "api"}


def test_everything_is_published_on_loopback_unless_it_is_said_otherwise(services: Services) -> None:
    for service in services.values():
        assert {each.address for each in published(service)} <= {"127.0.0.1"}


def test_mqtt_without_tls_stays_on_loopback_whatever_is_said(
    compose_text: str, env_example: EnvExample
) -> None:
    opened = read(compose_text, {**env_example.filled_in, "MAYDAY_BIND": "0.0.0.0"})["services"]
    addresses = {each.in_container: each.address for each in published(opened["broker"])}
    assert addresses == {1883: "127.0.0.1", 8883: "0.0.0.0", 9001: "0.0.0.0"}


def test_databases_and_workers_have_no_way_out(compose: dict[str, Any], services: Services) -> None:
    assert compose["networks"]["inside"] == {"internal": True}
    outside = {name for name, service in services.items() if "outside" in service["networks"]}
    assert outside == {"broker", "api", "notifier", "audit"}


def test_the_api_listens_where_it_is_published_and_asked(services: Services) -> None:
    api = services["api"]
    (door,) = published(api)
    assert api["environment"]["MAYDAY_API_PORT"] == str(door.in_container)
    (url,) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", " ".join(api["healthcheck"]["test"]))
    assert url == (str(door.in_container), "/readyz")


def test_devices_are_told_the_ports_of_the_host(compose_text: str, env_example: EnvExample) -> None:
    moved = {"MAYDAY_MQTT_PORT": "11883", "MAYDAY_MQTT_TLS_PORT": "18883", "MAYDAY_MQTT_WS_PORT": "19001"}
    services = read(compose_text, {**env_example.filled_in, **moved})["services"]
    told = services["api"]["environment"]
    assert [told[f"MAYDAY_DEVICE_{kind}PORT"] for kind in ("", "TLS_", "WS_")] == list(moved.values())


def test_the_broker_reads_the_configuration_of_the_checkout(services: Services) -> None:
    (mounted,) = [mount for mount in mounts(services["broker"]) if mount.is_bind]
    assert mounted.source == "./mosquitto.conf"
    assert f"mosquitto -c {mounted.target}" in " ".join(services["broker"]["command"])


def test_every_path_of_the_configuration_lies_in_a_volume(services: Services) -> None:
    configuration = broker_configuration()
    volumes = {mount.target: mount for mount in mounts(services["broker"]) if not mount.is_bind}
    named = re.findall(r"^\w+ (/\S+)$", configuration, re.MULTILINE)
    assert named
    for path in named:
        assert any(PurePosixPath(path).is_relative_to(target) for target in volumes), path
    for name in ("pid_file", "persistence_location"):
        assert not volumes["/mosquitto/data"].read_only, name
        assert setting(configuration, name).is_relative_to("/mosquitto/data")


def test_the_keeper_writes_where_the_broker_reads(services: Services) -> None:
    configuration = broker_configuration()
    (shared,) = [mount for mount in mounts(services["broker"]) if mount.source == "broker-config"]
    assert shared.read_only
    for name in ("keeper", ONE_SHOT):
        (written,) = [mount for mount in mounts(services[name]) if mount.source == "broker-config"]
        assert not written.read_only
        assert services[name]["environment"]["MAYDAY_BROKER_DIR"] == written.target == shared.target
        # What the broker reads is its own user's alone.
        assert services[name]["user"] == services["broker"]["user"]
    for each in ("password_file", "acl_file"):
        assert str(setting(configuration, each).parent) == shared.target


def test_the_authority_is_seen_by_none_but_the_one_who_signs(services: Services) -> None:
    seen = {name for name, service in services.items() if "authority" in {m.source for m in mounts(service)}}
    assert seen == {ONE_SHOT}
    (mount,) = [mount for mount in mounts(services[ONE_SHOT]) if mount.source == "authority"]
    assert services[ONE_SHOT]["environment"]["MAYDAY_AUTHORITY_DIR"] == mount.target


def test_every_volume_of_ours_has_a_folder_of_its_owner_in_the_image(services: Services) -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    (made,) = re.findall(r"install --directory --owner=1883 --group=1883 --mode=0700([^\n]*)", dockerfile)
    for service in ours(services).values():
        for mount in mounts(service):
            assert mount.target in made.split()


def test_the_image_takes_in_every_room_that_runs() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = set(project["tool"]["mypy"]["packages"]) - {"bench", "tests"}
    ignored = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.strip("!/") for line in ignored if line.startswith("!")}
    assert let_in == rooms | {"requirements.lock", "mosquitto.conf"}
