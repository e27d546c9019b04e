"""The broker's certificate: made once, renewed in time, good for this host."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from ops.certificates import CERTIFICATE_LASTS, ensure_authority, ensure_certificate, names_in

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAMES = ["localhost", "127.0.0.1", "::1", "box"]


def ensure(folder: Path, *, at: datetime = AT, names: list[str] = NAMES) -> bool:
    return ensure_certificate(
        ensure_authority(folder / "tls", at=at),
        certificate_file=folder / "server.crt",
        key_file=folder / "server.key",
        names=names,
        at=at,
    )


def test_it_is_made_once_and_then_left_alone(tmp_path: Path) -> None:
    assert ensure(tmp_path)
    assert not ensure(tmp_path)


def test_it_is_good_for_every_name_and_signed_by_the_authority(tmp_path: Path) -> None:
    ensure(tmp_path)
    certificate = x509.load_pem_x509_certificate((tmp_path / "server.crt").read_bytes())
    assert names_in(certificate) == set(NAMES)
    certificate.verify_directly_issued_by(ensure_authority(tmp_path / "tls", at=AT).certificate)


def test_it_is_renewed_before_it_runs_out_and_the_authority_stays(tmp_path: Path) -> None:
    ensure(tmp_path)
    authority = (tmp_path / "tls/ca.crt").read_bytes()
    assert ensure(tmp_path, at=AT + CERTIFICATE_LASTS - timedelta(days=7))
    assert (tmp_path / "tls/ca.crt").read_bytes() == authority


def test_a_new_name_makes_a_new_certificate(tmp_path: Path) -> None:
    ensure(tmp_path)
    assert ensure(tmp_path, names=[*NAMES, "sos.example"])


def test_another_authority_makes_a_new_certificate(tmp_path: Path) -> None:
    ensure(tmp_path)
    (tmp_path / "tls/ca.key").unlink()
    assert ensure(tmp_path)


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    ensure(tmp_path)
    for name in ("server.key", "tls/ca.key"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
