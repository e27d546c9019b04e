"""What a replayed day came to, drawn: how soon, how fair, and where."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from dispatch.replay.figures import LATE_S, Figures

_COLOURS = ("#b3541e", "#1f6f8b", "#6b7280")
_LATE = "#b91c1c"


def draw(results: Mapping[str, Figures], output: Path) -> None:
    """Into an SVG or a PNG, as its name ends."""
    picture = Figure(figsize=(12, 8), layout="constrained")
    FigureCanvasAgg(picture)
    halves = picture.add_gridspec(2, 1)
    above, below = halves[0].subgridspec(1, 3), halves[1].subgridspec(1, len(results))
    for column, show in enumerate((_arrivals, _distances, _drivers)):
        show(picture.add_subplot(above[0, column]), results)
    axes = None
    for column, (name, figures) in enumerate(results.items()):
        axes = picture.add_subplot(below[0, column], sharex=axes, sharey=axes)
        picture.colorbar(_map(axes, name, figures), ax=axes, label="minutes")
    picture.savefig(output)


def _arrivals(axes: Axes, results: Mapping[str, Figures]) -> None:
    for colour, (name, found) in zip(_COLOURS, results.items(), strict=False):
        shares = [100 * (number + 1) / max(found.orders, 1) for number in range(found.served)]
        minutes = [arrival / 60 for arrival in found.arrivals_s]
        axes.step(minutes, shares, where="post", color=colour, label=name)
        for quantile, style in ((found.arrival_p50_s, ":"), (found.arrival_p90_s, "--")):
            axes.axvline(quantile / 60, color=colour, linestyle=style, linewidth=0.8)
    axes.set(title="somebody is there after", xlabel="minutes (dotted p50, dashed p90)", ylabel="% of orders")
    axes.set_ylim(0, 102)
    axes.legend(frameon=False, loc="lower right")


def _distances(axes: Axes, results: Mapping[str, Figures]) -> None:
    bars = axes.bar(
        list(results),
        [found.empty_km for found in results.values()],
        color=_COLOURS[: len(results)],
        width=0.6,
    )
    axes.bar_label(bars, fmt="%.0f", padding=2)
    axes.set(title="driven empty", ylabel="km")
    axes.margins(y=0.12)


def _drivers(axes: Axes, results: Mapping[str, Figures]) -> None:
    for colour, (name, found) in zip(_COLOURS, results.items(), strict=False):
        share = [100 * (number + 1) / len(found.per_driver) for number in range(len(found.per_driver))]
        axes.plot(share, found.per_driver, color=colour, label=name, drawstyle="steps-mid")
    axes.set(title="orders for each driver", xlabel="% of drivers, the least busy first", ylabel="orders")
    axes.set_ylim(bottom=0)


def _map(axes: Axes, name: str, found: Figures) -> PathCollection:
    """One square for each area, the darker the later; where too many wait too long it is framed."""
    late_min = LATE_S / 60
    came = [cell for cell in found.cells if cell.arrival_p90_s is not None]
    drawn = axes.scatter(
        [cell.middle[1] for cell in came],
        [cell.middle[0] for cell in came],
        c=[(cell.arrival_p90_s or 0.0) / 60 for cell in came],
        vmin=0,
        vmax=late_min,
        cmap="YlOrRd",
        marker="s",
        s=60,
    )
    axes.scatter(
        [cell.middle[1] for cell in found.uncovered],
        [cell.middle[0] for cell in found.uncovered],
        facecolors="none",
        edgecolors=_LATE,
        marker="s",
        s=90,
        linewidths=1.4,
        label="uncovered",
    )
    axes.set(title=f"{name}: arrival p90 by area", xlabel="longitude", ylabel="latitude")
    if found.uncovered:
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    return drawn
