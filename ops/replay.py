"""A day of orders lived again, greedily and gathered, to see what other settings would have come to."""

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dispatch.matching.driver_scoring import Policy
from dispatch.matching.settings import OrderSettings
from dispatch.replay import history
from dispatch.replay.figures import LATE_S, Figures, summarise
from dispatch.replay.simulation import Day, run
from ops import replay_picture
from ops.trouble import Trouble
from ops.users import open_database

SHOWN_AREAS = 5
DRAWABLE = (".svg", ".png")

Results = Mapping[str, Figures]
"""By the name of the policy."""


def require_drawable(output: Path) -> None:
    """Raise Trouble for a picture that cannot be drawn: before the day is lived, not after."""
    if output.suffix.lower() not in DRAWABLE:
        raise Trouble(f"{output} cannot be drawn; end its name with {' or '.join(DRAWABLE)}")
    if not output.absolute().parent.is_dir():
        raise Trouble(f"there is no folder {output.absolute().parent}")


def policies(wanted: Policy) -> dict[str, Policy]:
    """Greedy and gathered side by side; beside them what is set now, where something else is tried."""
    window_s = wanted.window_s or Policy().window_s
    tried = {
        "greedy": replace(wanted, window_s=0.0),
        f"batch of {window_s:g} s": replace(wanted, window_s=window_s),
    }
    now = OrderSettings().policy()
    return tried if now in tried.values() else tried | {"as set now": now}


def recorded(since: datetime, until: datetime, console: Console) -> Day:
    """What was ordered and who drove in this time, in the database of this stack."""
    with open_database() as database, database.transaction() as session:
        found = history.read_day(session, since=since, until=until)
    if not found.day.orders:
        raise Trouble(
            f"there are no orders from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC; "
            "name another --day, or make one up with --simulate"
        )
    if found.drivers_without_a_place:
        console.print(f"{found.drivers_without_a_place} drivers left out: nobody knows where they were")
    return found.day


def live(day: Day, tried: Mapping[str, Policy], console: Console) -> dict[str, Figures]:
    """The same day by each policy."""
    results = {}
    for name, policy in tried.items():
        # A terminal is told that it takes a while; a file is not filled with it.
        telling = console.status(f"living it again: {name}") if console.is_terminal else nullcontext()
        with telling:
            results[name] = summarise(day, run(day, policy))
    return results


def show(results: Results, output: Path, console: Console) -> None:
    """Print a table, what is not covered, and draw."""
    console.print(table(results))
    console.print(f"Late is whoever waited more than {LATE_S // 60} min, or in vain. Not covered:")
    for name, figures in results.items():
        console.print(f"  {name}: {uncovered(figures) or 'nothing'}", highlight=False, soft_wrap=True)
    replay_picture.draw(results, output)
    console.print(f"drawn: {output}")


_ROWS: dict[str, Callable[[Figures], str]] = {
    "orders": lambda found: str(found.orders),
    "somebody came": lambda found: str(found.served),
    "a person was asked": lambda found: str(found.needed_a_person),
    "offers for each order": lambda found: _number(found.asked / found.orders),
    "arrival p50, min": lambda found: _number(found.arrival_p50_s / 60),
    "arrival p90, min": lambda found: _number(found.arrival_p90_s / 60),
    "to the pickup, mean, m": lambda found: _number(found.pickup_mean_m, 0),
    "empty, km": lambda found: _number(found.empty_km, 0),
    "orders for each driver, mean": lambda found: _number(found.per_driver_mean),
    "the same, p10 to p90": lambda found: (
        f"{_number(found.per_driver_p10, 0)} to {_number(found.per_driver_p90, 0)}"
    ),
    "uncovered areas": lambda found: f"{len(found.uncovered)} of {len(found.cells)}",
}


def table(results: Results) -> Table:
    """The figures, a column for each policy."""
    shown = Table("", *results)
    for column in shown.columns[1:]:
        column.justify = "right"
    for title, say in _ROWS.items():
        shown.add_row(title, *(say(figures) for figures in results.values()))
    return shown


def uncovered(figures: Figures) -> str:
    """The areas where more than one in ten had to wait too long, the worst first."""
    said = [
        f"{cell.middle[0]:.3f},{cell.middle[1]:.3f} ({cell.late} of {cell.orders} late)"
        for cell in figures.uncovered[:SHOWN_AREAS]
    ]
    if (more := len(figures.uncovered) - SHOWN_AREAS) > 0:
        said.append(f"and {more} more")
    return ", ".join(said)


def _number(value: float, digits: int = 1) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
