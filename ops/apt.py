"""Debian packages fetched with the host's apt into private folders; the host's own are never touched.

Standard library only: this runs before the virtual environment exists.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.trouble import Trouble

DEBIAN_SUITE = "trixie"
KEYRINGS = Path("/usr/share/keyrings")
CONTAINERS_HINT = "run the containers instead: docker compose up"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Mirror:
    """An archive the host itself uses, as its apt configuration names it."""

    uri: str
    suite: str


@dataclass(frozen=True)
class Source:
    """Where packages may come from, and whose signature they must bear."""

    uri: str
    suite: str
    components: str
    keyring: str

    def line(self, keyring: Path) -> str:
        return f"deb [signed-by={keyring}] {self.uri} {self.suite} {self.components}\n"


@dataclass(frozen=True)
class Package:
    """One file apt decided to fetch."""

    name: str
    version: str
    size: int

    @property
    def pin(self) -> str:
        return f"{self.name}={self.version}"


def mirrors_from_targets(text: str) -> list[Mirror]:
    """Read `REPO_URI|ORIGIN|CODENAME` lines of `apt-get indextargets`: the distribution's own archives."""
    found: dict[Mirror, None] = {}
    for line in text.splitlines():
        uri, origin, codename = [*line.split("|"), "", ""][:3]
        if (
            origin in ("Debian", "Ubuntu")
            and "security" not in codename
            and uri
            and not uri.startswith("cdrom")
        ):
            found[Mirror(uri.rstrip("/"), codename)] = None
    return list(found)


def mirrors_from_uris(text: str) -> list[Mirror]:
    """Read the files `apt-get update --print-uris` would fetch; works before any list was fetched."""
    found: dict[Mirror, None] = {}
    for uri, suite in re.findall(r"^'(\S+)/dists/(\S+)/InRelease'", text, re.MULTILINE):
        if not re.search(r"-(security|updates|backports|proposed)", suite) and not uri.startswith("cdrom"):
            found[Mirror(uri.rstrip("/"), suite)] = None
    return list(found)


def sources_for(
    mirrors: Iterable[Mirror], *, distribution: str, codename: str, named_mirror: str | None
) -> list[Source]:
    """Every place worth trying, best first: the archives of the host, or the one that was named."""
    if named_mirror:
        return [Source(named_mirror.rstrip("/"), DEBIAN_SUITE, "main", "debian-archive-keyring")]
    found: dict[Source, None] = {}
    for mirror in mirrors:
        if distribution == "ubuntu":
            if mirror.suite == codename:
                found[Source(mirror.uri, codename, "main universe", "ubuntu-archive-keyring")] = None
        else:
            found[Source(mirror.uri, DEBIAN_SUITE, "main", "debian-archive-keyring")] = None
    for mirror in mirrors:
        sibling = re.sub(r"/ubuntu(-ports)?$", "/debian", mirror.uri)
        if distribution == "ubuntu" and sibling != mirror.uri:
            found[Source(sibling, DEBIAN_SUITE, "main", "debian-archive-keyring")] = None
    return list(found)


def plan_from_uris(text: str) -> list[Package]:
    """Read what `apt-get install --print-uris` would fetch."""
    plan = []
    for file, size in re.findall(r"^'[^']+' (\S+)_[^_\s]+\.deb (\d+)", text, re.MULTILINE):
        name, version = file.split("_", 1)
        plan.append(Package(name, version.replace("%3a", ":").replace("%3A", ":"), int(size)))
    return plan


def os_release(path: Path = Path("/etc/os-release")) -> dict[str, str]:
    """The host's own description of itself."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in lines) if value}


class Apt:
    """An apt whose every file lies in one private folder, reading one signed source."""

    def __init__(self, folder: Path, source: Source, keyring: Path) -> None:
        self.folder = folder
        self.source = source
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text(source.line(keyring), encoding="utf-8")
        (folder / "apt.conf").write_text(_private_configuration(folder), encoding="utf-8")

    def update(self) -> None:
        """Fetch and verify the package lists."""
        self._run("apt-get", "update")

    def plan(self, names: Sequence[str]) -> list[Package]:
        """Everything these packages need, from nothing."""
        return plan_from_uris(self._run("apt-get", "install", "--yes", "--print-uris", "--quiet=2", *names))

    def download(self, plan: Sequence[Package], into: Path, say: Say) -> list[Path]:
        """Fetch the planned files, each checked against the signed lists; what is already there is kept."""
        into.mkdir(parents=True, exist_ok=True)
        command = ["apt-get", "download", "--quiet=2", *(package.pin for package in plan)]
        total = sum(package.size for package in plan)
        with (self.folder / "download.log").open("w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, cwd=into, env=self._environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
            try:
                while process.poll() is None:
                    files, size = _measure(into)
                    say(f"{min(files, len(plan))} of {len(plan)} packages, {size >> 20} of {total >> 20} MB")
                    time.sleep(0.2)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            if process.returncode:
                log.seek(0)
                raise Trouble(f"downloading packages failed: {_reason(log.read())}")
        return sorted(into.glob("*.deb"))

    def _run(self, *command: str) -> str:
        result = subprocess.run(
            command,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        # A mirror that does not answer is only a warning to `update`, which would go on with nothing.
        failed = result.returncode != 0 or "Failed to fetch" in result.stderr
        if failed:
            raise Trouble(
                f"{self.source.uri} ({self.source.suite}): {_reason(result.stdout + result.stderr)}"
            )
        return result.stdout

    def _environment(self) -> dict[str, str]:
        return os.environ | {"APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}


def fetch(
    names: Sequence[str], folder: Path, say: Say, *, skip: Callable[[str], bool] = lambda _: False
) -> list[Path]:
    """Fetch packages with everything they need from the first source that offers them all."""
    apt, plan = first_that_offers(names, folder, say)
    return apt.download([package for package in plan if not skip(package.name)], folder / "debs", say)


def unpack(archives: Sequence[Path], into: Path, say: Say, *, without: Sequence[str] = ()) -> None:
    """Lay the files of packages into a folder; nothing of a package is run."""
    into.mkdir(parents=True, exist_ok=True)
    left_out = [f"--exclude={pattern}" for pattern in without]
    for number, archive in enumerate(archives, start=1):
        say(f"{number} of {len(archives)} packages")
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as reader:
            writer = subprocess.run(
                [
                    "tar",
                    "--extract",
                    "--no-same-owner",
                    "--no-same-permissions",
                    "--directory",
                    str(into),
                    *left_out,
                ],
                stdin=reader.stdout,
                capture_output=True,
                text=True,
                check=False,
            )
        if writer.returncode or reader.returncode:
            raise Trouble(
                f"cannot unpack {archive.name} into {into}: {_reason(writer.stderr) or 'a damaged archive'}"
            )


def first_that_offers(names: Sequence[str], folder: Path, say: Say) -> tuple[Apt, list[Package]]:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Trouble(f"this host has no apt to fetch Debian's packages with; {CONTAINERS_HINT}")
    reasons = []
    for number, source in enumerate(host_sources(os.environ)):
        say("reading the package lists")
        try:
            apt = Apt(folder / f"apt-{number}", source, _keyring(source.keyring, folder, say))
            apt.update()
            return apt, apt.plan(names)
        except Trouble as trouble:
            reasons.append(str(trouble))
    if not reasons:
        reasons.append("apt names no Debian archive in its sources")
    raise Trouble(f"{reasons[0]}; set MAYDAY_APT_MIRROR to a Debian mirror, or {CONTAINERS_HINT}")


def host_sources(environ: Mapping[str, str]) -> list[Source]:
    """The places to try on this host."""
    release = os_release()
    targets = _ask("apt-get", "indextargets", "--format", "$(REPO_URI)|$(ORIGIN)|$(CODENAME)")
    mirrors = mirrors_from_targets(targets) or mirrors_from_uris(_ask("apt-get", "update", "--print-uris"))
    distribution = (
        "ubuntu" if "ubuntu" in (release.get("ID"), *release.get("ID_LIKE", "").split()) else "debian"
    )
    codename = release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", "")
    return sources_for(
        mirrors, distribution=distribution, codename=codename, named_mirror=environ.get("MAYDAY_APT_MIRROR")
    )


def _keyring(name: str, folder: Path, say: Say) -> Path:
    for ending in (".gpg", ".pgp"):
        if (path := KEYRINGS / f"{name}{ending}").exists():
            return path
    own = next((source for source in host_sources({}) if source.keyring != name), None)
    if own is None:
        raise Trouble(f"the keyring {KEYRINGS / name}.gpg is missing; install the package {name}")
    # The host's own archive, verified by the host's own key, vouches for the other's key.
    apt = Apt(folder / "apt-keyring", own, _keyring(own.keyring, folder, say))
    apt.update()
    (package,) = (package for package in apt.plan([name]) if package.name == name)
    unpack(apt.download([package], folder / "keyring-debs", say), folder / "keyring", say)
    return folder / "keyring" / (KEYRINGS / f"{name}.gpg").relative_to("/")


def _private_configuration(folder: Path) -> str:
    # Proxies, certificates and time-outs are the host's; hooks are not, they would touch its own folders.
    host = [
        line
        for line in _ask("apt-config", "dump").splitlines()
        if line.startswith("Acquire::")
        and not line.startswith(("Acquire::IndexTargets", "Acquire::Languages", "Acquire::Allow"))
    ]
    own = {
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::parts": "/dev/null",
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "APT::Get::AllowUnauthenticated": "false",
        "Acquire::AllowInsecureRepositories": "false",
        "Acquire::AllowWeakRepositories": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    return "\n".join([*host, *(f'{key} "{value}";' for key, value in own.items())]) + "\n"


def _ask(*command: str) -> str:
    result = subprocess.run(
        command,
        env=os.environ | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout


def _measure(folder: Path) -> tuple[int, int]:
    sizes = []
    for path in folder.iterdir():
        # apt renames its partial files while we look.
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue
    return len(sizes), sum(sizes)


def _reason(output: str) -> str:
    """The one line of a tool's output that says most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        return "no space left on the disk; free some, or set MAYDAY_CACHE to a folder with room"
    for mark in ("W: Failed to fetch ", "E: ", "Err:"):
        if told := [line.removeprefix(mark).strip() for line in lines if line.startswith(mark)]:
            return told[0]
    return (lines or [""])[0]
