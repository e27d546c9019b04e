"""Figures for people: percentiles, tables, and whether a target was reached."""

import math
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of all does not exceed; NaN of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def show_machine(console: Console, machine: Mapping[str, str]) -> None:
    grid = Table.grid(padding=(0, 2))
    for name, value in machine.items():
        grid.add_row(f"[dim]{name}[/dim]", value)
    console.print(grid)


def table(title: str, *columns: str) -> Table:
    """A table with one column of words and the others of figures."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left")
    return made


def reached(value: float, target: float, *, at_most: bool = False) -> str:
    """The target, coloured by whether it was met."""
    good = value <= target if at_most else value >= target
    return f"[{'green' if good else 'red'}]{'≤' if at_most else '≥'} {target:,.0f}[/]"
