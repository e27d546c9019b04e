import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from broker.accounts import PASSWORDS, RIGHTS, Account, are_written, write_files
from broker.passwords import hash_secret, matches, new_client_id, new_secret
from broker.settings import BrokerSettings
from broker.topics import Service

SETTINGS = BrokerSettings(secret=SecretStr("s" * 32))
WATCH = Account("watch-1", hash_secret("secret"))


def users(folder: Path) -> list[str]:
    return [line.split(":")[0] for line in (folder / PASSWORDS).read_text().splitlines()]


def test_a_hash_is_its_secrets_and_no_others() -> None:
    secret = new_secret()
    hashed = hash_secret(secret)
    assert matches(secret, hashed)
    assert not matches(new_secret(), hashed)
    assert secret not in hashed


@pytest.mark.parametrize(
    "hashed", ["", "$7$", "$6$10$YQ==$YQ==", "$7$x$YQ==$YQ==", "$7$-1$YQ==$YQ==", "$7$1$?$?"]
)
def test_what_is_no_hash_matches_nothing(hashed: str) -> None:
    assert not matches("secret", hashed)


def test_the_same_secret_is_hashed_anew_each_time() -> None:
    assert hash_secret("secret") != hash_secret("secret")


def test_secrets_and_client_ids_cannot_be_guessed() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert all(len(new_secret()) == 22 for _ in range(10))
    assert new_client_id("AA:BB").startswith("AA=BB-")
    assert new_client_id("w") != new_client_id("w")


def test_the_files_are_written_once_and_not_again_while_nothing_changes(tmp_path: Path) -> None:
    assert not are_written(tmp_path)
    assert write_files(tmp_path, [WATCH], SETTINGS)
    assert are_written(tmp_path)
    before = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    assert not write_files(tmp_path, [WATCH], SETTINGS)
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == before


def test_nobody_else_can_read_them_and_nothing_is_left_lying_about(tmp_path: Path) -> None:
    write_files(tmp_path, [WATCH], SETTINGS)
    assert {path.name for path in tmp_path.iterdir()} == {PASSWORDS, RIGHTS}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in tmp_path.iterdir())


def test_the_bench_has_an_account_only_when_asked_for(tmp_path: Path) -> None:
    write_files(tmp_path, [], SETTINGS)
    assert users(tmp_path) == ["@ingest", "@notifier", "@api", "@keeper", "@audit"]
    assert "@bench" not in (tmp_path / RIGHTS).read_text()
    write_files(tmp_path, [], SETTINGS, bench=True)
    assert users(tmp_path)[-1] == "@bench"


@pytest.mark.parametrize(
    "account",
    [
        Account("evil\n@ingest", WATCH.password_hash),
        Account("evil\nuser other", WATCH.password_hash, dispatcher=True),
        Account("#", WATCH.password_hash),
        Account("", WATCH.password_hash),
        Account("@ingest", WATCH.password_hash),
        Account("plain", "secret"),
        Account("two-lines", WATCH.password_hash + "\nother:x"),
    ],
)
def test_a_row_that_would_write_a_line_of_its_own_is_left_out(tmp_path: Path, account: Account) -> None:
    write_files(tmp_path, [account, WATCH], SETTINGS)
    assert users(tmp_path) == ["watch-1", "@ingest", "@notifier", "@api", "@keeper", "@audit"]
    assert "other" not in (tmp_path / RIGHTS).read_text()


def test_only_dispatchers_have_lines_in_the_access_list(tmp_path: Path) -> None:
    write_files(tmp_path, [WATCH, Account("desk", WATCH.password_hash, True, ["north"])], SETTINGS)
    rights = (tmp_path / RIGHTS).read_text()
    assert "user desk\ntopic read mayday/v1/alerts/default/#\ntopic read mayday/v1/alerts/north/#\n" in rights
    assert "watch-1" not in rights


def test_a_colon_in_a_uid_does_not_end_the_name(tmp_path: Path) -> None:
    write_files(tmp_path, [Account("AA:BB", WATCH.password_hash)], SETTINGS)
    assert users(tmp_path)[0] == "AA=BB"


def test_services_log_in_with_what_the_file_holds(tmp_path: Path) -> None:
    write_files(tmp_path, [], SETTINGS)
    lines = dict(line.split(":", 1) for line in (tmp_path / PASSWORDS).read_text().splitlines())
    assert matches(SETTINGS.password(Service.INGEST), lines[Service.INGEST])


def test_each_purpose_has_its_own_secret_and_each_stack_other_ones() -> None:
    other = BrokerSettings(secret=SecretStr("t" * 32))
    assert len({SETTINGS.password(service) for service in Service}) == len(Service)
    assert SETTINGS.password(Service.API) != other.password(Service.API)
    assert SETTINGS.client_id("sos-1") == SETTINGS.client_id("sos-1") != SETTINGS.client_id("sos-2")


def test_the_secret_shows_nowhere() -> None:
    assert "sss" not in repr(SETTINGS)
