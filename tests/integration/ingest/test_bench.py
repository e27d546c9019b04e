"""The bench, for a glance: it runs, and finds nothing lost and nothing doubled."""

import subprocess
import sys

import pytest

from ops.places import CHECKOUT


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "columns"), [("ingest", "lost"), ("sos", "unanswered")])
def test_the_bench_measures_and_misses_nothing(name: str, columns: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench", name, "--short", "--devices", "50"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert columns in ran.stdout
