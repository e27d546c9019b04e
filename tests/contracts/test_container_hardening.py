"""No container may do more than it needs, and each says truly how it fares."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ops.servers import PACKAGES
from tests.contracts.compose import CHECKOUT, ONE_SHOT, SERVERS, Services, ours
from tests.servers import WAIT_S, eventually


def test_every_service_is_held_on_a_short_leash(services: Services) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"].split(":")[0] not in ("root", "0"), name
        assert any(entry.startswith("/tmp:") for entry in service["tmpfs"]), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert not {"privileged", "pid", "ipc", "network_mode", "devices", "cap_add"} & set(service), name


def test_every_service_comes_back_but_the_one_shot(services: Services) -> None:
    for name, service in services.items():
        assert service["restart"] == ("no" if name == ONE_SHOT else "unless-stopped"), name


def test_images_are_pinned_to_a_major(services: Services) -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
    theirs = [service["image"] for name, service in services.items() if name in SERVERS]
    for image in [*theirs, *re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)]:
        assert re.search(r":(pg)?\d+(\.\d+)?(-|$)", image), f"{image} is whatever is newest"


def test_the_databases_are_of_one_major_in_both_runs(services: Services) -> None:
    (major,) = [
        name.removeprefix("postgresql-") for name in PACKAGES if re.fullmatch(r"postgresql-\d+", name)
    ]
    assert services["database"]["image"].endswith(f":pg{major}")


def test_the_image_holds_what_is_locked_and_nothing_from_elsewhere() -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in dockerfile
    assert "requirements-dev" not in dockerfile
    assert "apt-get" not in dockerfile


def test_a_service_is_asked_for_its_health_unless_it_runs_but_once(services: Services) -> None:
    assert {name for name, service in services.items() if "healthcheck" not in service} == {ONE_SHOT}


def test_whoever_beats_is_asked_for_the_beat_it_was_told_to_give(services: Services) -> None:
    for name, service in ours(services).items():
        if name != ONE_SHOT:
            assert service["environment"]["MAYDAY_BEAT"] in service["healthcheck"]["test"][1], name


@pytest.fixture
def beat(tmp_path: Path) -> Path:
    return tmp_path / "beat"


@pytest.fixture
def ask(services: Services, beat: Path) -> Callable[[], tuple[bool, bool]]:
    """Ask a worker for its health as its container would: whether it is well, and whether it was killed."""
    told = services["sos-1"]["environment"]["MAYDAY_BEAT"]
    test = services["sos-1"]["healthcheck"]["test"][1].replace(told, str(beat))
    assert "kill -KILL -1" in test
    harmless = test.replace("kill -KILL -1", "echo killed")

    def run() -> tuple[bool, bool]:
        done = subprocess.run(["sh", "-c", harmless], capture_output=True, text=True, check=False)
        return done.returncode == 0, "killed" in done.stdout

    return run


def test_a_worker_that_beats_is_well(ask: Callable[[], tuple[bool, bool]], beat: Path) -> None:
    beat.touch()
    assert ask() == (True, False)


def test_a_worker_that_stopped_beating_is_killed(ask: Callable[[], tuple[bool, bool]], beat: Path) -> None:
    beat.touch()
    half_a_minute_ago = time.time() - 31
    os.utime(beat, (half_a_minute_ago, half_a_minute_ago))
    assert ask() == (False, True)


def test_a_worker_that_is_not_ready_yet_is_left_alone(ask: Callable[[], tuple[bool, bool]]) -> None:
    assert ask() == (False, False)


# As the real one it listens to SIGHUP, even where the tests run under nohup.
FAKE_BROKER = """#!/usr/bin/env -S --default-signal=HUP sh
trap 'echo reloaded' HUP
trap 'echo stopped; exit 0' TERM
echo "started with $*"
while :; do sleep 0.02; done
"""


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """What the broker in the container says."""
    return tmp_path / "said"


@pytest.fixture
def broker(services: Services, tmp_path: Path, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The broker's container, with a broker in it that tells what it is told."""
    (tmp_path / "config/certs").mkdir(parents=True)
    for name in ("users.passwd", "users.acl", "certs/server.crt"):
        (tmp_path / "config" / name).touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"mosquitto": FAKE_BROKER, "nc": "#!/bin/sh\n"}.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    shell, flag, script = services["broker"]["command"]
    with said.open("wb") as output:
        process = subprocess.Popen(
            [shell, flag, script.replace("/mosquitto/", f"{tmp_path}/")],
            env={"PATH": f"{programs}:{os.environ['PATH']}"},
            stdout=output,
            start_new_session=True,
        )
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_the_broker_is_told_of_every_change_of_its_users_and_certificate_and_ends_when_asked(
    broker: subprocess.Popen[bytes], said: Path, tmp_path: Path
) -> None:
    def wait_for(lines: str) -> None:
        eventually(lambda: said.read_text(encoding="utf-8") == lines, f"the broker to say {lines}")

    heard = f"started with -c {tmp_path}/mosquitto.conf\n"
    wait_for(heard)
    for name in ("users.passwd", "users.acl", "certs/server.crt"):
        fresh = tmp_path / "fresh"
        fresh.touch()
        fresh.replace(tmp_path / "config" / name)
        heard += "reloaded\n"
        wait_for(heard)
    broker.send_signal(signal.SIGTERM)
    assert broker.wait(WAIT_S) == 0
    assert said.read_text(encoding="utf-8") == f"{heard}stopped\n"


def test_the_container_of_a_broker_that_ended_ends_with_it(
    broker: subprocess.Popen[bytes], said: Path, tmp_path: Path
) -> None:
    eventually(said.read_text, "the broker to start")
    children = Path(f"/proc/{broker.pid}/task/{broker.pid}/children")

    def killed() -> bool:
        for child in children.read_text(encoding="ascii").split():
            with suppress(OSError):  # a look at the files that is over
                if f"{tmp_path}/bin/mosquitto" in Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8"):
                    os.kill(int(child), signal.SIGKILL)
                    return True
        return False

    eventually(killed, "the broker to be there to be killed")
    assert broker.wait(WAIT_S) == 128 + signal.SIGKILL
