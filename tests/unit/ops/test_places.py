"""Where things lie, for whoever runs them."""

import os
from pathlib import Path

import pytest

from ops import files, places, secrets
from ops.trouble import Trouble


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "owner", lambda: places.Owner(65534, 65534, "nobody"))


@pytest.mark.usefixtures("as_root")
def test_a_home_that_nobody_cannot_reach_keeps_its_servers_data_elsewhere(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    elsewhere = places.data_folder(closed / "home")
    assert elsewhere.parent == Path("/var/lib/mayday")
    assert places.data_folder(closed / "other") != elsewhere


def test_an_ordinary_users_data_lies_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "owner", lambda: places.Owner(os.geteuid(), os.getegid(), "me"))
    tmp_path.chmod(0o700)
    assert places.data_folder(tmp_path / "home") == tmp_path / "home/data"


def test_a_file_is_replaced_at_once_and_closed_to_others(tmp_path: Path) -> None:
    files.write(tmp_path / "new/file", "one")
    files.write(tmp_path / "new/file", "two")
    assert (tmp_path / "new/file").read_text() == "two"
    assert (tmp_path / "new/file").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    made = secrets.load_or_make(tmp_path)
    assert secrets.load_or_make(tmp_path) == made
    assert len({made.stack, made.postgres, made.postgres_superuser, made.redis}) == 4
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_damaged_secrets_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"stack": ')
    with pytest.raises(Trouble, match="bring it back"):
        secrets.load_or_make(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == '{"stack": '
