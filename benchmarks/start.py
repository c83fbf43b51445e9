"""How long does the command line take to answer `--help`?

    python -m benchmarks.start

The peer is an interpreter that imports typer and rich and does nothing. Each command runs a number
of times in turn, and its fastest run counts.
"""

import sys

from benchmarks.measure import run

RUNS = 12
MOST = 2.5

_HELP = [sys.executable, "-m", "cityloom", "--help"]
_PEER = [sys.executable, "-c", "import typer, rich.console, rich.panel, rich.table"]


def main() -> None:
    """Print both times and their ratio."""
    costs = [(run(_HELP), run(_PEER)) for _ in range(RUNS)]
    ours = min(help_cost.wall_seconds for help_cost, _ in costs)
    peer = min(peer_cost.wall_seconds for _, peer_cost in costs)
    verdict = "met" if ours <= MOST * peer else "NOT met"
    print("| command | seconds |\n| --- | --- |")
    print(f"| `cityloom --help` | {ours:.3f} |\n| import typer and rich | {peer:.3f} |")
    print(f"\n- {ours / peer:.2f} × the peer, bar {MOST}: {verdict}")


if __name__ == "__main__":
    main()
