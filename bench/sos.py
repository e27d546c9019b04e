"""A call for help, alone and beside a flood of telemetry."""

import json
import math
from dataclasses import asdict, dataclass

from rich.console import Console

from bench import figures, machine
from bench.calls import CallOrder, CallOutcome
from bench.ingest import UNDER_WAY
from bench.load import Order
from bench.world import World, finished, finished_load, world

TARGET_P99_MS = 50.0
CALLS_PER_S = 2.0
_HELPERS = 100
# Room for calls on both sides of the measurement, so that the flood is there for all of it.
_FLOOD_MARGIN_S = 2.0


@dataclass(frozen=True)
class Result:
    """One way of calling, measured."""

    title: str
    calls: CallOutcome
    flood_per_s: float
    cpu_s: dict[str, float]

    @property
    def p50_ms(self) -> float:
        return figures.percentile(self.calls.latencies_ms, 0.5)

    @property
    def p99_ms(self) -> float:
        return figures.percentile(self.calls.latencies_ms, 0.99)


def run(*, seconds: float, devices: int, console: Console) -> list[Result]:
    """Measure calls alone, then beside the flood, in one world."""
    calls = math.ceil(CALLS_PER_S * seconds)
    # Those who call are among those who report.
    devices = max(devices, 3 * calls)
    with world({"telemetry", "sos-1", "sos-2", "dispatch", "notifier"}) as here, here.people(_HELPERS):
        figures.show_machine(console, machine.describe(here))
        here.add_devices(devices)
        here.load(Order(messages=devices * 5, devices=devices, samples=1, under_way=UNDER_WAY))
        _call(here, CallOrder(calls, CALLS_PER_S, 0))
        before = here.cpu_s()
        alone = _call(here, CallOrder(calls, CALLS_PER_S, calls))
        between = here.cpu_s()
        flood = here.start("bench.load", json.dumps(asdict(_flood(seconds, devices))))
        here.wait_for_flood(flood)
        beside = _call(here, CallOrder(calls, CALLS_PER_S, 2 * calls))
        after = here.cpu_s()
        flooded = finished_load(flood)
    results = [
        Result("alone", alone, 0.0, {name: between[name] - before[name] for name in before}),
        Result(
            "beside the flood",
            beside,
            flooded.messages / flooded.elapsed_s,
            {name: after[name] - between[name] for name in after},
        ),
    ]
    show(console, results)
    return results


def _flood(seconds: float, devices: int) -> Order:
    lasts_s = seconds + _FLOOD_MARGIN_S
    return Order(
        messages=int(120_000 * lasts_s), devices=devices, samples=1, under_way=UNDER_WAY, seconds=lasts_s
    )


def _call(here: World, order: CallOrder) -> CallOutcome:
    return CallOutcome(**json.loads(finished(here.start("bench.calls", json.dumps(asdict(order))))))


def show(console: Console, results: list[Result]) -> None:
    told = figures.table(
        "\nfrom SOS to the server's ack",
        *("", "calls", "unanswered", "p50 ms", "p99 ms", "target p99", "slowest ms", "flood messages/s"),
    )
    for each in results:
        told.add_row(
            each.title,
            str(len(each.calls.latencies_ms)),
            str(each.calls.missing),
            f"{each.p50_ms:.1f}",
            f"{each.p99_ms:.1f}",
            figures.reached(each.p99_ms, TARGET_P99_MS, at_most=True),
            f"{max(each.calls.latencies_ms, default=math.nan):.1f}",
            f"{each.flood_per_s:,.0f}",
        )
    console.print(told)
    names = list(results[0].cpu_s)
    cost = figures.table("\nprocessor seconds in all", "", *names)
    for each in results:
        cost.add_row(each.title, *(f"{each.cpu_s[name]:.1f}" for name in names))
    console.print(cost)
