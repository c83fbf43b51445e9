"""Lint every contract of the project with datacontract-cli, which has an environment of its own.

Run it with ``make contracts``.
"""

import sys
from pathlib import Path

from datacontract.data_contract import DataContract

ROOT = Path(__file__).parent.parent


def faults(path: Path) -> list[str]:
    """What the linter has against one contract."""
    run = DataContract(data_contract_file=str(path)).lint()
    return [f"{check.name}: {check.reason}" for check in run.checks if check.result != "passed"]


def main() -> int:
    """Say what is wrong with which contract; 1 where anything is."""
    folders = (ROOT / name for name in ("src", "examples", "benchmarks"))
    contracts = sorted(path for folder in folders for path in folder.rglob("*.odcs.yaml"))
    found = {path: faults(path) for path in contracts}
    for path, said in found.items():
        for fault in said:
            print(f"{path.relative_to(ROOT)}: {fault}")
    print(f"{len(contracts)} contracts linted")
    return int(not contracts or any(found.values()))


if __name__ == "__main__":
    sys.exit(main())
