"""The ceiling: what PostgreSQL's own tool reaches with the same rows, in the same table, in the same run."""

import subprocess
import time

from bench.world import World


def measure(world: World, rows: int) -> float:
    """Rows a second of psql's binary `\\copy`: what was stored is taken out and put back."""
    file = world.stack.home / "positions.binary"
    taken = f"SELECT * FROM positions LIMIT {rows}"  # noqa: S608 - a number
    _psql(world, f"\\copy ({taken}) TO '{file}' WITH (FORMAT binary)")
    world.empty()
    started = time.monotonic()
    _psql(world, f"\\copy positions FROM '{file}' WITH (FORMAT binary)")
    elapsed = time.monotonic() - started
    file.unlink()
    return rows / elapsed


def _psql(world: World, command: str) -> None:
    stack = world.stack
    psql = [str(stack.servers.tool("psql")), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    subprocess.run(
        [*psql, "-c", command, stack.postgres.dsn()],
        env=stack.servers.environment(),
        check=True,
    )
