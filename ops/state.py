"""What runs, written down so that whoever comes next can take it over, stop it or tell of it.

Standard library only: `down` and `status` must work without the virtual environment.
"""

import json
import signal
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ops import files
from ops.processes import Identity


class Phase(StrEnum):
    """How far the stack as a whole is."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class Condition(StrEnum):
    """How one process fares."""

    WAITING = "waiting"
    """for what comes before it"""
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    """it died, and waits a moment before it is started again"""
    DONE = "done"
    """it had one thing to do, and did it"""
    STOPPED = "stopped"


@dataclass
class Record:
    """One process: who it is, how it fares, and how it wants to be stopped."""

    name: str
    identity: Identity | None = None
    condition: Condition = Condition.WAITING
    restarts: int = 0
    started_at: float = 0.0
    fingerprint: str = ""
    stage: int = 0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 10.0

    @property
    def is_alive(self) -> bool:
        return self.identity is not None and self.identity.is_alive()


@dataclass
class State:
    """The whole stack."""

    phase: Phase = Phase.STOPPED
    supervisor: Identity | None = None
    trouble: str | None = None
    records: list[Record] = field(default_factory=list)

    @property
    def is_supervised(self) -> bool:
        return self.supervisor is not None and self.supervisor.is_alive()

    @property
    def is_running(self) -> bool:
        """Whether anything of it lives, watched or not."""
        return self.is_supervised or any(record.is_alive for record in self.records)

    def save(self, path: Path) -> None:
        files.write(path, json.dumps(asdict(self), indent=1), durable=False)


def load(path: Path) -> State:
    """Read a state back; none, or a broken one, is that of a stack that never ran."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return State(
            phase=Phase(raw["phase"]),
            supervisor=_identity(raw["supervisor"]),
            trouble=raw["trouble"],
            records=[_record(entry) for entry in raw["records"]],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return State()


def _identity(raw: dict[str, Any] | None) -> Identity | None:
    return None if raw is None else Identity(**raw)


def _record(raw: dict[str, Any]) -> Record:
    return Record(
        **{
            **raw,
            "identity": _identity(raw["identity"]),
            "condition": Condition(raw["condition"]),
            "stop_signal": signal.Signals(raw["stop_signal"]),
        }
    )
