"""Which port each listener gets: the one asked for, the one it had, or a free one near the usual."""

import errno
import fcntl
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import randbelow

from ops.trouble import Trouble

# Below the range the kernel hands to outgoing connections, so that a stopped stack finds its ports again.
USUAL = {
    "api": 8000,
    "mqtt": 1883,
    "mqtt_tls": 8883,
    "mqtt_ws": 9001,
    "mqtt_service": 1884,
    "postgres": 5433,
    "redis": 6380,
}
STEP = 10
LOWEST_RANDOM = 20_000
HIGHEST = 32_000


def variable(name: str) -> str:
    """The environment variable that fixes a port."""
    return f"MAYDAY_{name.upper()}_PORT"


def choose(
    *,
    asked: Mapping[str, str],
    remembered: Mapping[str, int],
    reserved: set[int],
    is_free: Callable[[int], bool],
) -> dict[str, int]:
    """Give every listener a port; only one that was asked for by name may fail."""
    chosen: dict[str, int] = {}
    for name in USUAL:
        if variable(name) in asked:
            chosen[name] = _asked_for(name, asked[variable(name)], is_free)
    for name, usual in USUAL.items():
        if name not in chosen:
            taken = reserved | set(chosen.values())
            candidates = (remembered.get(name), *range(usual, HIGHEST, STEP))
            chosen[name] = next(port for port in candidates if port and port not in taken and is_free(port))
    return chosen


def _asked_for(name: str, text: str, is_free: Callable[[int], bool]) -> int:
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise Trouble(f"{variable(name)}={text} is no port number")
    if not is_free(int(text)):
        raise Trouble(f"port {text} is taken by another program; free it, or set {variable(name)} to another")
    return int(text)


def free_on(host: str) -> Callable[[int], bool]:
    """A test whether a port can be listened on, here and on loopback."""

    def is_free(port: int) -> bool:
        for address in dict.fromkeys((host, "127.0.0.1")):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family) as probe:
                # As servers do: a connection still in TIME_WAIT does not hold the port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError as error:
                    if error.errno == errno.EADDRNOTAVAIL:
                        raise Trouble(f"this host has no address {address}; correct MAYDAY_BIND") from error
                    return False
        return True

    return is_free


def any_free() -> int:
    """A port of loopback that nobody listens on now, for a test that needs no particular one.

    Below the range that outgoing connections take theirs from, or one of those may have it a moment later.
    """
    is_free = free_on("127.0.0.1")
    while not is_free(port := LOWEST_RANDOM + randbelow(HIGHEST - LOWEST_RANDOM)):
        pass
    return port


class Register:
    """The ports of all stacks of this cache, so that two of them do not choose the same, running or not."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ports.json"
        self._lock = folder / "ports.lock"

    def claim(
        self, home: Path, *, asked: Mapping[str, str], is_free: Callable[[int], bool]
    ) -> dict[str, int]:
        """Choose ports for the stack of this home, and remember them."""
        with self._held() as stacks:
            others = {port for path, ports in stacks.items() if path != str(home) for port in ports.values()}
            chosen = choose(
                asked=asked, remembered=stacks.get(str(home), {}), reserved=others, is_free=is_free
            )
            stacks[str(home)] = chosen
        return chosen

    def forget(self, home: Path) -> None:
        """Give the ports of a stack that is no more back to the others."""
        with self._held() as stacks:
            stacks.pop(str(home), None)

    @contextmanager
    def _held(self) -> Iterator[dict[str, dict[str, int]]]:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                stacks = json.loads(self._file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                stacks = {}
            stacks = {home: ports for home, ports in stacks.items() if Path(home).exists()}
            yield stacks
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps(stacks, indent=1), encoding="utf-8")
            fresh.replace(self._file)
