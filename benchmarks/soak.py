"""Does a city that is received, woven and read for an hour stay as it was?

    python -m benchmarks.soak [--minutes 60] [--scale 1/1000] [--readers 20] [--json]

One process receives a delivery every 10 seconds and weaves every minute, as a city's scheduler
would; `cityloom serve` serves; so many readers open its pages one after the other, with a second
between two. Memory is what each process holds of its own (RssAnon), looked at every 10 seconds. At
the end a new city is woven from the same deliveries: its datasets must have the same digests.
"""

import argparse
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from statistics import mean, quantiles
from threading import Event, Thread

from benchmarks.measure import python
from cityloom.city import City
from cityloom.sample import add_delivery

RECEIVE_SECONDS = 10
WEAVE_SECONDS = 60
MOST_GROWTH = 1.10
FIRST_DAY = date(2026, 1, 1)
DELIVERING = ("household_registration", "tenancy", "health_insurance", "company_registration")


@dataclass
class Soak:
    """What was done, what it took and what went wrong."""

    minutes: float
    deliveries: int = 0
    weaves: int = 0
    pages: int = 0
    page_seconds: list[float] = field(default_factory=list)
    memory: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    digests_differ: list[str] = field(default_factory=list)


def main() -> None:
    """Print what an hour did to the city."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--scale", default="1/1000")
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write-to", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write_to:
        _write(asked.write_to, asked.minutes)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = _soak(Path(folder), asked.minutes, asked.scale, asked.readers)
    print(json.dumps(asdict(found)) if asked.json else _report(found))


def _soak(folder: Path, minutes: float, scale: str, readers: int) -> Soak:
    city = folder / "city"
    _cityloom("new", city, "--sample", scale)
    _cityloom("weave", city)
    soak = Soak(minutes)
    over = Event()
    port = _free_port()
    with (
        (folder / "writer.log").open("w+") as said,
        subprocess.Popen(python("cityloom", "serve", city, "--port", str(port))) as server,
        subprocess.Popen(
            python("benchmarks.soak", "--write-to", city, "--minutes", str(minutes)), stdout=said
        ) as writer,
    ):
        pages = _pages(f"http://127.0.0.1:{port}", City.open(city))
        threads = [Thread(target=_read, args=(pages, n, soak, over)) for n in range(readers)]
        for thread in threads:
            thread.start()
        _watch(soak, {"serve": server, "writer": writer})
        over.set()
        for thread in threads:
            thread.join()
        server.terminate()
        said.seek(0)
        _note_writing(soak, said.read().splitlines(), writer.returncode)
    soak.digests_differ = _differing(city, folder / "again")
    return soak


def _write(city: Path, minutes: float) -> None:
    """Receive and weave on time; a line of JSON for each that was done, with its errors."""
    opened = City.open(city)
    end = time.monotonic() + minutes * 60
    next_weave = time.monotonic() + WEAVE_SECONDS
    for number, dataset in enumerate(cycle(DELIVERING)):
        began = time.monotonic()
        if began >= end:
            return
        file = add_delivery(city, 1, FIRST_DAY + timedelta(days=number), dataset)
        _say("receive", opened.receive(dataset, file))
        if time.monotonic() >= next_weave:
            next_weave += WEAVE_SECONDS
            _say("weave", opened.weave())
        time.sleep(max(0.0, began + RECEIVE_SECONDS - time.monotonic()))


def _say(kind: str, runs: list) -> None:  # type: ignore[type-arg]
    wrong = [f"{run.dataset} {run.source}: {run.error}" for run in runs if run.failed]
    wrong += [
        f"{run.dataset} {run.source}: rows are lost"
        for run in runs
        if run.rows_read != run.rows_kept + run.rows_quarantined + run.rows_duplicate
    ]
    print(json.dumps({"kind": kind, "wrong": wrong}), flush=True)


def _note_writing(soak: Soak, lines: list[str], status: int) -> None:
    done = [json.loads(line) for line in lines]
    soak.deliveries = sum(item["kind"] == "receive" for item in done)
    soak.weaves = sum(item["kind"] == "weave" for item in done)
    soak.errors += [wrong for item in done for wrong in item["wrong"]]
    if status:
        soak.errors.append(f"the writer ended with status {status}")


def _pages(address: str, city: City) -> list[str]:
    """The pages that can be read: of datasets whose rows are not shown, those without rows."""
    paths = ["/", "/datasets", "/runs"]
    for dataset in city.contracts:
        paths += [
            f"/datasets/{dataset}{part}"
            for part in ("", "/quality", "/lineage", "/history", "/rows", "/quarantine")
        ]
    _await(address)
    shown = [f"{address}{path}" for path in paths if _status(f"{address}{path}") == 200]
    return [*shown, *(f"{page}?lang=zh" for page in shown)]


def _await(address: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            _status(f"{address}/health")
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"{address} does not answer")


def _status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def _read(pages: list[str], seed: int, soak: Soak, over: Event) -> None:
    choose = random.Random(seed)
    while not over.wait(choose.uniform(0.5, 1.5)):
        page = choose.choice(pages)
        began = time.perf_counter()
        try:
            status = _status(page)
            if status != 200:
                soak.errors.append(f"{page}: status {status}")
        except OSError as error:
            soak.errors.append(f"{page}: {error}")
        soak.pages += 1
        soak.page_seconds.append(time.perf_counter() - began)


def _watch(soak: Soak, processes: dict[str, "subprocess.Popen[bytes]"]) -> None:
    """Look at the memory of the processes until the writer is done."""
    soak.memory = {name: [] for name in processes}
    while True:
        for name, process in processes.items():
            if process.poll() is None:
                soak.memory[name].append(_own_mb(process.pid))
            elif name == "serve":
                soak.errors.append(f"serve ended with status {process.returncode}")
                return
        if processes["writer"].poll() is not None:
            return
        time.sleep(RECEIVE_SECONDS)


def _own_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("RssAnon"))


def _differing(city: Path, again: Path) -> list[str]:
    """The datasets that are not the same in a new city woven from the same deliveries."""
    _cityloom("weave", city)
    _cityloom("new", again)
    for folder in ("contracts", "inbox"):
        shutil.copytree(city / folder, again / folder, dirs_exist_ok=True)
    _cityloom("weave", again)
    ours, theirs = (
        {facts.dataset: facts.digest for facts in City.open(path).datasets()}
        for path in (city, again)
    )
    return sorted(name for name in ours | theirs if ours.get(name) != theirs.get(name))


def _cityloom(*words: str | Path) -> None:
    done = subprocess.run(python("cityloom", *words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"cityloom {' '.join(map(str, words))}: {done.stdout}{done.stderr}")


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _report(soak: Soak) -> str:
    cuts = quantiles(soak.page_seconds, n=100)
    lines = [
        f"- {soak.minutes:g} minutes: {soak.deliveries:,} deliveries, {soak.weaves:,} weaves, "
        f"{soak.pages:,} pages read (median {cuts[49]:.2f} s, 99 of 100 within {cuts[98]:.2f} s)"
    ]
    for name, sizes in soak.memory.items():
        quarter = max(1, len(sizes) // 4)
        before, after = mean(sizes[quarter : 2 * quarter] or sizes), mean(sizes[-quarter:])
        verdict = "met" if after <= before * MOST_GROWTH else "NOT met"
        lines.append(
            f"- memory of {name}: {before:,.0f} MB in the second quarter, {after:,.0f} MB in the "
            f"last: {after / before:.2f} ×, bar {MOST_GROWTH:.2f}: {verdict}"
        )
    lines += [f"- errors: {len(soak.errors)}", *(f"  - {error}" for error in soak.errors[:20])]
    differ = ", ".join(soak.digests_differ) or "none"
    lines.append(f"- datasets that differ from a city woven anew from the same files: {differ}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
