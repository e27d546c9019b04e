"""Google for tests: a key pair, its certificate, the tokens made with it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth.transport import Request, Response

CLIENT_ID = "app.apps.googleusercontent.com"
KEY_ID = "key-1"


class Answer(Response):
    """What came over HTTP."""

    def __init__(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self._status, self._data, self._headers = status, data, headers

    @property
    def status(self) -> int:
        return self._status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def data(self) -> bytes:
        return self._data


class Certificates(Request):
    """Where certificates come from; counts how often it was asked."""

    def __init__(
        self, certificates: Mapping[str, str], *, status: int = 200, max_age_s: int | None = 20_000
    ) -> None:
        self.data = json.dumps(certificates).encode()
        self.status = status
        self.asked = 0
        self._headers = {} if max_age_s is None else {"Cache-Control": f"public, max-age={max_age_s}"}

    def __call__(self, url: str, *_: Any, **__: Any) -> Response:
        self.asked += 1
        return Answer(self.status, self.data, self._headers)


class Signing:
    """A key pair of Google's, or of somebody who would like to be."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "certificates.example.org")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def token(self, **other: Any) -> str:
        """An id token as Google makes it, but for what is said to be other."""
        now = datetime.now(UTC)
        claims = {
            "iss": "https://accounts.google.com",
            "aud": CLIENT_ID,
            "sub": "108",
            "email": "nadia@example.org",
            "email_verified": True,
            "name": "Nadia",
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(hours=1)).timestamp()),
        } | other
        return jwt.encode(claims, self.key, "RS256", headers={"kid": KEY_ID})
