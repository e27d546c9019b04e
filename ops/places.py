"""Where things lie: the checkout, a stack's home, the cache, and whose they are."""

import hashlib
import os
import pwd
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Owner:
    """The user the servers run as: the caller, or nobody when root calls, for servers refuse root."""

    uid: int
    gid: int
    name: str

    @property
    def differs(self) -> bool:
        return self.uid != os.geteuid()

    def give(self, *paths: Path) -> None:
        """Hand files over; nothing happens for an ordinary user, who owns them already."""
        for path in paths:
            if self.differs:
                os.chown(path, self.uid, self.gid)

    @property
    def user(self) -> int | None:
        """The user a child process must become, if it must become another."""
        return self.uid if self.differs else None

    @property
    def group(self) -> int | None:
        return self.gid if self.differs else None

    @property
    def extra_groups(self) -> list[int] | None:
        return [] if self.differs else None


@cache
def owner() -> Owner:
    """Who runs the servers."""
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid(), str(os.geteuid()))
    nobody = pwd.getpwnam("nobody")
    return Owner(nobody.pw_uid, nobody.pw_gid, "nobody")


def home_folder() -> Path:
    """Everything of one stack, but for what another user must reach and cannot here."""
    return Path(os.environ.get("MAYDAY_HOME") or CHECKOUT / ".mayday").expanduser().absolute()


def wanted_cache_folder() -> Path:
    """Where the caller would have what stacks share and can be made again."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("MAYDAY_CACHE") or Path(base) / "mayday").expanduser().absolute()


def cache_folder() -> Path:
    """The same, or where the servers' user can reach it."""
    return wanted if reachable(wanted := wanted_cache_folder()) else Path("/var/cache/mayday")


def data_folder(home: Path) -> Path:
    """The servers' own data: in the home, or where their user can reach it."""
    if reachable(home):
        return home / "data"
    return Path("/var/lib/mayday") / hashlib.sha256(str(home).encode()).hexdigest()[:12]


def reachable(path: Path) -> bool:
    """Whether the servers' user may walk down to this path."""
    if not owner().differs:
        return True
    return all(parent.stat().st_mode & 0o001 for parent in path.parents if parent.exists())


def make_private(path: Path) -> Path:
    """A folder that only its owner, the servers' user, can look into."""
    if not path.exists():
        path.mkdir(mode=0o700, parents=True)
        owner().give(path)
    return path


def remove(path: Path) -> None:
    """Delete a folder with all it holds; a missing one is fine."""
    shutil.rmtree(path, ignore_errors=True)
