"""Looks for what may be wrong on this machine, and says what to do about it.

Standard library only: a machine on which nothing could be installed needs it most.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ops import apt, bootstrap, ports, servers
from ops.places import CHECKOUT, cache_folder, data_folder, home_folder, owner
from ops.programs import last_words
from ops.state import Condition, Phase, load
from ops.trouble import Trouble

HOME_NEEDS_MB = 500
MEMORY_NEEDS_MB = 1024


@dataclass(frozen=True)
class Finding:
    """What one look showed; without advice it is well."""

    what: str
    advice: str | None = None
    is_fatal: bool = True


def python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < bootstrap.OLDEST_PYTHON:
        yield Finding(f"Python {version}", "install Python 3.11 or newer (Debian 12 and 13 have it)")
    else:
        yield Finding(f"Python {version} at {sys.executable}")


def memory() -> Iterator[Finding]:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    advice = f"Mayday wants {MEMORY_NEEDS_MB} MB of memory" if total < MEMORY_NEEDS_MB else None
    yield Finding(f"{total} MB of memory", advice, is_fatal=False)


def folders() -> Iterator[Finding]:
    wanted = {
        "checkout": (CHECKOUT, HOME_NEEDS_MB, "put the checkout into a folder of yours"),
        "home": (home_folder(), HOME_NEEDS_MB, "set MAYDAY_HOME to a folder of yours"),
        "cache": (cache_folder(), servers.NEEDS_FREE_MB, "set MAYDAY_CACHE to a folder of yours"),
    }
    for name, (folder, needs_mb, otherwise) in wanted.items():
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            yield Finding(f"{name} {folder} cannot be written", otherwise)
            continue
        free = shutil.disk_usage(there).free >> 20
        lacking = free < needs_mb and not (name == "cache" and servers.installed())
        yield Finding(
            f"{name} {folder}, {free} MB free",
            f"free {needs_mb} MB there, or {otherwise}" if lacking else None,
        )


def user() -> Iterator[Finding]:
    home = home_folder()
    if not owner().differs:
        yield Finding(f"servers run as you, with their data in {data_folder(home)}")
        return
    yield Finding(f"started by root: servers run as {owner().name}, with their data in {data_folder(home)}")


def packages() -> Iterator[Finding]:
    if servers.installed():
        yield Finding(f"servers in {servers.folder()}")
        return
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        yield Finding("no apt on this host", apt.CONTAINERS_HINT)
        return
    with tempfile.TemporaryDirectory(prefix="mayday-doctor-") as folder:
        try:
            found, plan = apt.first_that_offers(servers.PACKAGES, Path(folder), lambda _: None)
        except Trouble as trouble:
            yield Finding("the servers' packages cannot be had", str(trouble))
        else:
            yield Finding(f"{len(plan)} packages of {found.source.suite} can be had from {found.source.uri}")


def environment() -> Iterator[Finding]:
    for kind in ("runtime", "dev"):
        if bootstrap.is_fresh(kind):
            yield Finding(f"virtual environment made from {bootstrap.LOCKS[kind].name}")
        elif kind == "runtime":
            missing = "missing" if not bootstrap.VENV.exists() else "older than its lock"
            yield Finding(
                f"virtual environment {missing}", "./mayday up brings it up to date", is_fatal=False
            )


def time_zones() -> Iterator[Finding]:
    if not Path("/usr/share/zoneinfo/UTC").exists():
        yield Finding("no time zone data", "install tzdata; until then only GMT is known", is_fatal=False)


def listeners() -> Iterator[Finding]:
    if load(home_folder() / "run/state.json").is_running:
        return
    is_free = ports.free_on(os.environ.get("MAYDAY_BIND") or "127.0.0.1")
    for name, usual in ports.USUAL.items():
        asked = os.environ.get(ports.variable(name))
        if asked and not (asked.isdigit() and is_free(int(asked))):
            yield Finding(f"port {asked} is taken", f"free it, or set {ports.variable(name)} to another")
        elif not asked and not is_free(usual):
            yield Finding(f"port {usual} is taken; another is chosen for {name}")


def processes() -> Iterator[Finding]:
    home = home_folder()
    state = load(home / "run/state.json")
    if not state.is_running:
        if state.phase is Phase.FAILED and state.trouble:
            yield Finding("the last start failed", state.trouble)
        else:
            yield Finding("not running", "./mayday up starts it", is_fatal=False)
        return
    if not state.is_supervised:
        yield Finding("running, with nobody to look after it", "./mayday up takes over")
    for record in state.records:
        if record.condition is Condition.DONE or record.is_alive:
            continue
        said = last_words(home / f"logs/{record.name}.log")
        yield Finding(f"{record.name} is {record.condition}: {said}", f"./mayday logs {record.name}")
    alive = sum(record.is_alive for record in state.records)
    yield Finding(f"{alive} processes running")


LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python,
    memory,
    folders,
    user,
    environment,
    packages,
    time_zones,
    listeners,
    processes,
)


def main() -> int:
    """Print every finding; 1 when something stands in the way."""
    ill = False
    for look in LOOKS:
        try:
            findings = list(look())
        except Exception as error:
            findings = [
                Finding(f"{look.__name__} could not be looked at: {error}", "tell us, with this line")
            ]
        for finding in findings:
            if finding.advice is None:
                print(f"ok    {finding.what}")
            else:
                print(f"{'ILL ' if finding.is_fatal else 'note'}  {finding.what}\n      → {finding.advice}")
                ill = ill or finding.is_fatal
    print("something stands in the way" if ill else "nothing stands in the way")
    return 1 if ill else 0


if __name__ == "__main__":
    sys.exit(main())
