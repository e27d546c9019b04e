"""One process for each lane: `python -m ingest sos --worker 1`, `python -m ingest telemetry`."""

import argparse

from ingest import lane, sos


def main() -> None:
    """Run the lane that is named."""
    parser = argparse.ArgumentParser(prog="python -m ingest", description=__doc__)
    lanes = parser.add_subparsers(dest="lane", required=True)
    calls = lanes.add_parser("sos", help="calls for help; two workers stand side by side")
    calls.add_argument("--worker", type=int, default=1)
    lanes.add_parser("telemetry", help="positions, vitals, presence")
    chosen = parser.parse_args()
    if chosen.lane == "sos":
        sos.main(chosen.worker)
    else:
        lane.main()


if __name__ == "__main__":
    main()
