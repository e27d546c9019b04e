"""On what was measured."""

import os
import platform
import re
from pathlib import Path

import psycopg

from bench.world import World


def describe(world: World) -> dict[str, str]:
    """Cores, memory and versions: a figure without them says nothing."""
    with world.database() as connection:
        return {
            "processor": f"{os.cpu_count()} cores, {_processor()}",
            "memory": f"{_memory_gb():.0f} GB",
            "system": f"Linux {platform.release()}",
            "python": platform.python_version(),
            "postgresql": _one(connection, "SHOW server_version"),
            "timescaledb": _one(
                connection, "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
            ),
            "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        }


def _one(connection: psycopg.Connection, statement: str) -> str:
    row = connection.execute(statement).fetchone()
    return str(row[0]) if row else ""


def _processor() -> str:
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1] if found else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
