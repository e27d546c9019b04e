"""Secrets for devices and dispatchers, and the hashes that Mosquitto compares them with."""

import base64
import hashlib
import hmac
import secrets

from broker.topics import wire_name

ITERATIONS = 10
"""Stretching serves passwords that people choose. Ours are 128 random bits, beyond guessing however fast a
guess is; each iteration only costs the broker's one thread, when ten thousand watches come back at once."""

SALT_BYTES = 12  # what mosquitto_passwd writes


def new_secret() -> str:
    """128 random bits, in characters that need no quoting anywhere."""
    return secrets.token_urlsafe(16)


def new_client_id(uid: str) -> str:
    """A client id that nobody can guess, so that nobody can take a session over by connecting under it."""
    return f"{wire_name(uid)}-{secrets.token_hex(4)}"


def hash_secret(secret: str, *, salt: bytes | None = None) -> str:
    """The secret as a line of Mosquitto's password file has it: $7$, PBKDF2 with SHA-512."""
    salt = salt or secrets.token_bytes(SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${_base64(salt)}${_base64(digest)}"


def matches(secret: str, hashed: str) -> bool:
    """Whether a hash is this secret's; False for anything that is no hash of ours."""
    try:
        _, kind, iterations, salt, digest = hashed.split("$")
        wanted = base64.b64decode(digest, validate=True)
        made = hashlib.pbkdf2_hmac(
            "sha512", secret.encode(), base64.b64decode(salt, validate=True), int(iterations)
        )
    except (ValueError, OverflowError):
        return False
    return kind == "7" and hmac.compare_digest(made, wanted)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
