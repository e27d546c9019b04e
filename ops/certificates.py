"""The stack's own certificate authority, and the certificate its broker shows."""

import ipaddress
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ops import files

AUTHORITY_LASTS = timedelta(days=3650)
CERTIFICATE_LASTS = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
# Clocks of small devices are seldom right.
BACKDATED = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """Signs the broker's certificate; its own is what a device must trust."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def names_of_this_host() -> list[str]:
    """What a client may call us; MAYDAY_TLS_NAMES adds names and addresses known outside."""
    extra = os.environ.get("MAYDAY_TLS_NAMES", "").replace(",", " ").split()
    return list(dict.fromkeys(["localhost", "127.0.0.1", "::1", socket.gethostname(), *extra]))


def ensure_authority(folder: Path, *, at: datetime) -> Authority:
    """The authority of this folder, made when there is none."""
    certificate_file, key_file = folder / "ca.crt", folder / "ca.key"
    if certificate_file.exists() and key_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return Authority(x509.load_pem_x509_certificate(certificate_file.read_bytes()), key)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named(f"Mayday authority of {socket.gethostname()}")
    certificate = (
        _builder(name, name, key, at, AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    files.write(key_file, _key_text(key))
    files.write(certificate_file, _text(certificate), mode=0o644)
    return Authority(certificate, key)


def ensure_certificate(
    authority: Authority, *, certificate_file: Path, key_file: Path, names: Iterable[str], at: datetime
) -> bool:
    """Make the certificate anew when it is missing, ageing, or for other names; True if it was."""
    wanted = set(names)
    if key_file.exists() and certificate_file.exists():
        present = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        is_ours = present.issuer == authority.certificate.subject and _is_signed_by(present, authority)
        if is_ours and present.not_valid_after_utc - at > RENEW_BEFORE and names_in(present) == wanted:
            return False
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_named("mayday broker"), authority.certificate.subject, key, at, CERTIFICATE_LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in sorted(wanted)]), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )
    files.write(key_file, _key_text(key), for_owner=True)
    files.write(certificate_file, _text(certificate), mode=0o644, for_owner=True)
    return True


def names_in(certificate: x509.Certificate) -> set[str]:
    """The names and addresses a certificate is good for."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def _is_signed_by(certificate: x509.Certificate, authority: Authority) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except Exception:
        return False
    return True


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, at: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BACKDATED)
        .not_valid_after(at + lasts)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def now() -> datetime:
    return datetime.now(UTC)
