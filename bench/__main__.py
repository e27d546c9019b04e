"""`python -m bench ingest`, `python -m bench sos`: measure on this machine what is promised."""

import signal
import sys
from typing import Annotated

import typer
from rich.console import Console

from bench import ingest as ingest_bench
from bench import sos as sos_bench
from ops.trouble import Trouble

Seconds = Annotated[float, typer.Option(help="How long a case would take if the target were just met.")]
Devices = Annotated[int, typer.Option(help="How many devices report.")]
Short = Annotated[bool, typer.Option("--short", help="A glance, not a measurement: does it work.")]

SHORT_S = 1.0

# Where nobody looks on, a table is as wide as it is.
console = Console(width=None if sys.stdout.isatty() else 140)
app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)


@app.command()
def ingest(seconds: Seconds = 10, devices: Devices = 1_000, short: Short = False) -> None:
    """Positions in floods and at a steady rate, against psql's own copying."""
    results = ingest_bench.run(seconds=SHORT_S if short else seconds, devices=devices, console=console)
    raise typer.Exit(0 if all(result.is_exact for result in results) else 1)


@app.command()
def sos(seconds: Seconds = 45, devices: Devices = 1_000, short: Short = False) -> None:
    """Calls for help, alone and beside a flood of positions."""
    results = sos_bench.run(seconds=SHORT_S if short else seconds, devices=devices, console=console)
    raise typer.Exit(0 if all(result.calls.missing == 0 for result in results) else 1)


if __name__ == "__main__":
    # Whoever ends a measurement ends its servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except Trouble as trouble:
        sys.exit(f"bench: {trouble}")
