"""The broker's two files: who may connect, and what each may do."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from broker.passwords import SALT_BYTES, hash_secret
from broker.rights import access_list
from broker.settings import BrokerSettings
from broker.topics import Service, is_username, wire_name

log = structlog.get_logger()

PASSWORDS = "users.passwd"
RIGHTS = "users.acl"

_HASH = re.compile(r"\$7\$\d{1,6}\$[A-Za-z0-9+/=]{8,128}\$[A-Za-z0-9+/=]{64,128}")


@dataclass(frozen=True, slots=True)
class Account:
    """A device or a dispatcher; `regions` counts for dispatchers alone, and None means all."""

    username: str
    password_hash: str
    dispatcher: bool = False
    regions: Sequence[str] | None = None

    @property
    def fits(self) -> bool:
        """Whether a file can hold it: a bad row must neither break the others nor write a line of its own."""
        return is_username(self.username) and _HASH.fullmatch(self.password_hash) is not None


def write_files(
    folder: Path, accounts: Iterable[Account], settings: BrokerSettings, *, bench: bool = False
) -> bool:
    """Make the files say this, each replaced at once; True when one changed."""
    services = [service for service in Service if bench or service is not Service.BENCH]
    fitting = _fitting(accounts)
    passwords = [f"{wire_name(account.username)}:{account.password_hash}\n" for account in fitting]
    passwords += [f"{service}:{_service_hash(service, settings)}\n" for service in services]
    dispatchers = [(wire_name(each.username), each.regions) for each in fitting if each.dispatcher]
    # Rights first: nobody shall be able to log in before the broker knows what they may do.
    changed = [
        _replace(folder / RIGHTS, access_list(dispatchers, services)),
        _replace(folder / PASSWORDS, "".join(passwords)),
    ]
    return any(changed)


def are_written(folder: Path) -> bool:
    """Whether both files are there, without which the broker does not start."""
    return (folder / RIGHTS).exists() and (folder / PASSWORDS).exists()


def _fitting(accounts: Iterable[Account]) -> list[Account]:
    fitting = []
    for account in sorted(accounts, key=lambda each: each.username):
        if account.fits:
            fitting.append(account)
        else:
            log.error("an account that no file can hold is left out", username=account.username[:64])
    return fitting


def _service_hash(service: Service, settings: BrokerSettings) -> str:
    # The salt is derived like the password, so that the same secret always writes the same file.
    salt = bytes.fromhex(settings.derive(f"mqttsalt:{service}"))[:SALT_BYTES]
    return hash_secret(settings.password(service), salt=salt)


def _replace(path: Path, text: str) -> bool:
    data = text.encode()
    try:
        if path.read_bytes() == data:
            return False
    except FileNotFoundError:
        pass
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        _give_to_owner(file.fileno(), path.parent)
    fresh.replace(path)
    return True


def _give_to_owner(file: int, folder: Path) -> None:
    # The broker runs as the folder's owner, and reads only what is its own.
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(file, owner.st_uid, owner.st_gid)
