"""Makes the virtual environment of the checkout from its hashed locks.

Standard library only, and run by the host's own Python: this is what a fresh machine sees first.
"""

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ops import apt
from ops.places import CHECKOUT, cache_folder
from ops.progress import Progress
from ops.trouble import Trouble

VENV = CHECKOUT / ".venv"
LOCKS = {"runtime": CHECKOUT / "requirements.lock", "dev": CHECKOUT / "requirements-dev.lock"}
OLDEST_PYTHON = (3, 11)


def stamp(lock: Path, python: Path) -> str:
    """What an environment was made from; `./mayday` computes the same."""
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {version}"


def is_fresh(kind: str) -> bool:
    """Whether the environment holds exactly what this lock says."""
    try:
        return (VENV / f"{kind}.stamp").read_text(encoding="utf-8").strip() == stamp(
            LOCKS[kind], VENV / "bin/python"
        )
    except (OSError, subprocess.CalledProcessError):
        return False


def ensure(kind: str) -> None:
    """Make or complete the environment; two runs at once do it once."""
    with _only_one():
        if is_fresh(kind):
            return
        if not _works():
            _make()
        _install(kind)
        fresh = [kind, "runtime"] if kind == "dev" else [kind]
        for each in LOCKS:
            (VENV / f"{each}.stamp").unlink(missing_ok=True)
        for each in fresh:
            (VENV / f"{each}.stamp").write_text(stamp(LOCKS[each], VENV / "bin/python"), encoding="utf-8")


def _works() -> bool:
    python = VENV / "bin/python"
    if not python.exists():
        return False
    # After an upgrade of the host's Python the old packages lie where the new one does not look.
    asked = "import sys; print(*sys.version_info[:2], sys.prefix)"
    answer = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False).stdout.split()
    version = tuple(int(part) for part in answer[:2])
    return version >= OLDEST_PYTHON and (VENV / f"lib/python{'.'.join(answer[:2])}/site-packages").is_dir()


def _make() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    result = subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", VENV], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise Trouble(f"cannot make {VENV}: {_last_line(result.stdout + result.stderr)}")


def _install(kind: str) -> None:
    lock = LOCKS[kind]
    total = len(
        re.findall(r"^[A-Za-z0-9._-]+(?:\[[^]]*\])?==", lock.read_text(encoding="utf-8"), re.MULTILINE)
    )
    command = [
        *(str(VENV / "bin/python"), *_pip(), "install", "--require-hashes", "--no-deps", "--no-input"),
        *("--disable-pip-version-check", "--progress-bar=off", "--no-warn-script-location"),
        *("--cache-dir", str(cache_folder() / "pip"), "--requirement", str(lock)),
    ]
    with Progress(f"Python packages ({kind})") as progress:
        collected = 0
        output: list[str] = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
            assert pip.stdout is not None
            for line in pip.stdout:
                output.append(line)
                if line.startswith(("Collecting ", "Requirement already satisfied")):
                    collected += 1
                installing = line.startswith("Installing collected")
                progress.say(
                    "installing" if installing else f"{min(collected, total)} of {total}", at_once=installing
                )
        if pip.returncode:
            raise Trouble(_why("".join(output)))


def _pip() -> list[str]:
    """How to call pip: from the environment, else from Python's own bundle, else from Debian's package."""
    python = str(VENV / "bin/python")
    for attempt in ([], ["-m", "ensurepip"]):
        if attempt:
            subprocess.run([python, *attempt], capture_output=True, check=False)
        if (
            subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode
            == 0
        ):
            return ["-m", "pip"]
    return [str(_debian_wheel() / "pip")]


def _debian_wheel() -> Path:
    folder = cache_folder() / "pip-wheel"
    wheels = "usr/share/python-wheels/pip-*.whl"
    if not (found := sorted((folder / "root").glob(wheels))):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with Progress("pip: downloading Debian's package") as progress:
            archives = apt.fetch(
                ["python3-pip-whl"], folder, progress.say, skip=lambda name: name != "python3-pip-whl"
            )
            apt.unpack(archives, folder / "unpacked", progress.say)
        (folder / "unpacked").rename(folder / "root")
        for rest in (*folder.glob("apt-*"), folder / "debs"):
            shutil.rmtree(rest, ignore_errors=True)
        found = sorted((folder / "root").glob(wheels))
    return found[-1]


def _why(output: str) -> str:
    if "No space left on device" in output:
        return (
            f"no space left on the disk for the Python packages; free some around {VENV} and {cache_folder()}"
        )
    errors = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.startswith("ERROR: ")]
    first = errors[0] if errors else _last_line(output)
    if "DO NOT MATCH THE HASHES" in output:
        return f"a Python package is not the one that was locked: {first}"
    return f"the Python packages could not be installed: {first} (the index is the one of your pip)"


def _last_line(text: str) -> str:
    return ([line for line in text.strip().splitlines() if line.strip()] or ["no reason given"])[-1]


@contextmanager
def _only_one() -> Iterator[None]:
    # The checkout's folder itself is the lock, so that no file is left in it.
    folder = os.open(CHECKOUT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with Progress("Python packages: another run is installing them, waiting"):
                fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def main() -> None:
    """Called by ./mayday."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=LOCKS)
    try:
        ensure(parser.parse_args().kind)
    except (Trouble, OSError) as error:
        sys.exit(f"mayday: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
