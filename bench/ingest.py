"""The telemetry lane under load, beside what PostgreSQL's own tool reaches with the same rows."""

from dataclasses import dataclass

from rich.console import Console

from bench import ceiling, figures, machine
from bench.load import Order, Outcome
from bench.world import World, world

TARGET_MESSAGES = 50_000
TARGET_SAMPLES = 120_000
BATCHED = 20
PACED = 10_000
# What may be under way: half a second of the target, far below what the broker would queue for the lane.
UNDER_WAY = 24_000


@dataclass(frozen=True)
class Case:
    """One way to report, and what is hoped for."""

    title: str
    order: Order
    target_samples: float | None = None


@dataclass(frozen=True)
class Result:
    """One case, measured."""

    case: Case
    outcome: Outcome
    lost: int
    doubled: int
    refused: int
    ceiling: float
    cpu_s: dict[str, float]

    @property
    def messages_per_s(self) -> float:
        return self.outcome.messages / self.outcome.elapsed_s

    @property
    def samples_per_s(self) -> float:
        return self.outcome.samples / self.outcome.elapsed_s

    @property
    def is_exact(self) -> bool:
        """Whether every sample is stored, and stored once."""
        return self.lost == self.doubled == self.refused == 0


def cases(*, seconds: float, devices: int) -> list[Case]:
    """As many messages as the target takes in so many seconds."""
    single = int(TARGET_MESSAGES * seconds)
    batched = int(TARGET_SAMPLES / BATCHED * seconds)
    paced = int(PACED * seconds)
    return [
        Case(
            "single samples, flood",
            Order(messages=single, devices=devices, samples=1, under_way=UNDER_WAY),
            TARGET_MESSAGES,
        ),
        Case(
            f"{BATCHED} samples a message, flood",
            Order(messages=batched, devices=devices, samples=BATCHED, under_way=UNDER_WAY // 8),
            TARGET_SAMPLES,
        ),
        Case(
            f"single samples, {PACED:,}/s",
            Order(messages=paced, devices=devices, samples=1, under_way=UNDER_WAY, rate=PACED, id_every=10),
        ),
    ]


def run(*, seconds: float, devices: int, console: Console) -> list[Result]:
    """Measure every case in a world of its own."""
    with world({"telemetry"}) as here:
        figures.show_machine(console, machine.describe(here))
        here.add_devices(devices)
        here.load(Order(messages=devices * 5, devices=devices, samples=1, under_way=UNDER_WAY))
        results = [_measure(here, case) for case in cases(seconds=seconds, devices=devices)]
    show(console, results)
    return results


def _measure(here: World, case: Case) -> Result:
    here.empty()
    before = here.cpu_s()
    outcome = here.load(case.order)
    after = here.cpu_s()
    stored, different, refused = here.count()
    cpu_s = {name: after[name] - before[name] for name in after} | {"load": outcome.cpu_s}
    return Result(
        case=case,
        outcome=outcome,
        lost=outcome.samples - different,
        doubled=stored - different,
        refused=refused,
        ceiling=ceiling.measure(here, outcome.samples),
        cpu_s=cpu_s,
    )


def show(console: Console, results: list[Result]) -> None:
    speed = figures.table(
        "\nfrom publish to stored",
        *("", "messages/s", "samples/s", "target", r"psql \copy", "ratio", "lost", "doubled"),
        *("p50 ms", "p99 ms"),
    )
    for each in results:
        target = each.case.target_samples
        speed.add_row(
            each.case.title,
            f"{each.messages_per_s:,.0f}",
            f"{each.samples_per_s:,.0f}",
            figures.reached(each.samples_per_s, target) if target else "",
            f"{each.ceiling:,.0f}",
            f"{each.samples_per_s / each.ceiling:.0%}",
            str(each.lost),
            str(each.doubled),
            f"{figures.percentile(each.outcome.latencies_ms, 0.5):.0f}",
            f"{figures.percentile(each.outcome.latencies_ms, 0.99):.0f}",
        )
    console.print(speed)
    names = list(results[0].cpu_s)
    cost = figures.table("\nprocessor seconds for 100,000 messages", "", *names, "all")
    for each in results:
        spent = [each.cpu_s[name] / each.outcome.messages * 100_000 for name in names]
        cost.add_row(each.case.title, *(f"{s:.2f}" for s in spent), f"{sum(spent):.2f}")
    console.print(cost)
