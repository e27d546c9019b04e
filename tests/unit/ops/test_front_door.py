"""What `./mayday` says before anything is installed."""

import os
import subprocess
from pathlib import Path

import pytest

from ops.cli import app
from ops.places import CHECKOUT

BARE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def mayday(
    *arguments: str, checkout: Path = CHECKOUT, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "mayday", *arguments], env=BARE | environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Path:
    """A checkout in which nothing was installed yet."""
    for name in ("mayday", "ops", "requirements.lock"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    # A copy: the script looks where it really lies.
    (tmp_path / "mayday").unlink()
    (tmp_path / "mayday").write_bytes((CHECKOUT / "mayday").read_bytes())
    (tmp_path / "mayday").chmod(0o755)
    return tmp_path


def test_help_names_every_command() -> None:
    told = mayday("--help").stdout
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"  {command.callback.__name__} " in told
    for group in app.registered_groups:
        assert f"  {group.name} " in told


def test_every_command_is_let_through(bare_checkout: Path) -> None:
    for name in (*(each.callback.__name__ for each in app.registered_commands if each.callback), "user"):
        assert mayday(name, "--help", checkout=bare_checkout).returncode == 0, name


def test_help_of_a_command_needs_no_installation(bare_checkout: Path) -> None:
    result = mayday("up", "--help", checkout=bare_checkout)
    assert result.returncode == 0
    assert "Usage: ./mayday" in result.stdout
    assert not (bare_checkout / ".venv").exists()


def test_an_unknown_command_is_told_and_fails() -> None:
    result = mayday("fly")
    assert result.returncode == 1
    assert result.stderr.endswith("mayday: there is no command fly\n")


def test_status_and_down_need_no_installation(bare_checkout: Path, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    status = mayday("status", "--json", checkout=bare_checkout, MAYDAY_HOME=home)
    assert status.returncode == 1
    assert "not running" in status.stderr
    down = mayday("down", checkout=bare_checkout, MAYDAY_HOME=home)
    assert down.returncode == 0
    assert not (bare_checkout / ".venv").exists()
    assert not (tmp_path / "home").exists()
