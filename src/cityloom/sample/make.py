"""Making a sample city, and one more delivery to it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copyfile
from typing import Any, Final, Self

import numpy as np

from cityloom.errors import UsageError
from cityloom.sample import survey, truth
from cityloom.sample.departments import DEPARTMENTS
from cityloom.sample.draws import stream
from cityloom.sample.geography import Ground
from cityloom.sample.neighbourhood import Neighbourhood, neighbourhood
from cityloom.sample.parts import Filed, Part, file_away, parts, stretches
from cityloom.sample.plan import make_plan
from cityloom.sample.pool import in_order
from cityloom.sample.records import Department, Records
from cityloom.sample.text import dates, day_number
from cityloom.sample.write import DeliveryFile, open_delivery

Progress = Callable[[str, int, int], None]
"""Called with what is being made, how much of it is done, and of how much."""

_DAILY_ROWS: Final = 500
_WORTH_WORKERS: Final = 12
"""Neighbourhoods from which on more processes gain more than their start costs."""


@dataclass
class SampleSummary:
    """What was written: rows by dataset, faults by dataset and kind, delivery files."""

    people: int = 0
    companies: int = 0
    properties: int = 0
    buildings: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    faults: dict[str, Counter[str]] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)

    def add(self, dataset: str, rows: int, faults: Mapping[str, int]) -> None:
        """Counts rows written, and their faults by kind."""
        self.rows[dataset] += rows
        self.faults.setdefault(dataset, Counter()).update(faults)


def make_sample(
    city: Path,
    scale: Fraction | float,
    seed: int,
    progress: Progress | None = None,
    workers: int = 1,
) -> SampleSummary:
    """Writes contracts and deliveries of a sample city into `city`, and the truth next to it.

    Scale 1 is a city of 20 million people. The same scale and seed make the same bytes, whatever
    the number of `workers`: processes that make it (see :mod:`cityloom.sample.pool`). Memory is
    bounded by a few neighbourhoods a worker and the list of buildings, whatever the scale.
    """
    plan = make_plan(scale, seed)
    copy_contracts("cityloom.sample", city)
    folder = truth.truth_of(city)
    summary = SampleSummary(
        people=int(plan.people.sum()),
        companies=int(plan.companies.sum()),
        properties=int(plan.ground.buildings.properties.sum()),
        buildings=len(plan.ground.buildings),
    )
    members = []
    with _Filing(city / "inbox", folder, summary) as filing:
        filing.file_geography(plan.ground)
        wanted = workers if plan.neighbourhoods >= _WORTH_WORKERS else 1
        for stretch in in_order(parts, stretches(plan), wanted):
            for part in stretch:
                filing.file(part)
                members.append(part.members)
                if progress is not None:
                    progress("neighbourhoods", part.number + 1, plan.neighbourhoods)
    truth.remember(folder, truth.MadeFrom(plan.scale, seed, tuple(members)))
    return summary


def add_delivery(
    city: Path,
    seed: int,
    day: date,
    dataset: str = "household_registration",
    rows: int = _DAILY_ROWS,
) -> Path:
    """Writes the file of one more day to a dataset's inbox, and returns its path.

    A department files up to `rows` records of that day: new ones, or for companies changes by
    key. `building` delivers the buildings that the survey missed, for which records wait.
    """
    folder = truth.truth_of(city)
    plan = make_plan(truth.remembered(folder).scale, seed)
    if dataset == "building":
        name = f"building_{day:%Y%m%d}.geojson"
        survey.write_unsurveyed(city / "inbox", plan.ground, name)
        return city / "inbox" / dataset / name
    department = _department(dataset)
    number = day.toordinal() % plan.neighbourhoods
    rng = stream(seed, f"{dataset}/{day}", number)
    hood = neighbourhood(plan, number)
    records = _of_one_day(rng, department, hood, day, rows)
    name = department.daily_file.format(day)
    suffix = f".{day:%Y%m%d}.{dataset}"
    with _Filing(city / "inbox", folder, SampleSummary(), suffix) as filing:
        for filed in file_away(rng, department, records, (name,)):
            filing.put(filed)
    return city / "inbox" / dataset / name


class _Filing:
    """The delivery files being written, with their truth; a file exists once it has rows."""

    def __init__(
        self, inbox: Path, truth_folder: Path, summary: SampleSummary, suffix: str = ""
    ) -> None:
        self._inbox = inbox
        self._truth = truth.TruthFiles(truth_folder, suffix)
        self._summary = summary
        self._open: dict[Path, DeliveryFile] = {}

    def __enter__(self) -> Self:
        self._truth.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for delivery in self._open.values():
            delivery.close()
        self._truth.__exit__(*error)

    def file_geography(self, ground: Ground) -> None:
        """Writes what the planning department delivers."""
        for dataset, name, rows in survey.write_geography(self._inbox, ground):
            self._summary.rows[dataset] += rows
            self._summary.sources.append(f"{dataset}/{name}")
        self._note_faulty_buildings(name, rows)

    def file(self, part: Part) -> None:
        """Writes a neighbourhood into its files, behind those before it."""
        self._truth.add(part.entities)
        for filed in part.filed:
            self.put(filed)

    def put(self, filed: Filed) -> None:
        """Writes some rows into the file that they go to, behind those before them."""
        path = self._inbox / filed.dataset / filed.name
        if path not in self._open:
            self._open[path] = open_delivery(path, filed.dataset)
            self._summary.sources.append(f"{filed.dataset}/{filed.name}")
        self._truth.add(filed.truths, self._open[path].rows)
        self._open[path].put(filed.block, filed.rows)
        self._summary.add(filed.dataset, filed.rows, filed.faults)

    def _note_faulty_buildings(self, name: str, rows: int) -> None:
        """The faulty buildings are the last of the `rows` in the last file of buildings."""
        first = rows - len(survey.FAULTY_BUILDINGS) + 1
        kinds = [kind for kind, _ in survey.FAULTY_BUILDINGS]
        faults = {kind: np.array([first + place]) for place, kind in enumerate(kinds)}
        self._truth.add(truth.faults_of("building", name, faults))
        self._summary.add("building", 0, dict.fromkeys(kinds, 1))


def _of_one_day(
    rng: np.random.Generator, department: Department, hood: Neighbourhood, day: date, rows: int
) -> Records:
    records = department.make(hood, rng, f"{day:%y%m%d}")
    fresh = np.flatnonzero(~records.repeats)
    chosen = records.take(np.sort(rng.permutation(fresh)[:rows]))
    written = dates(np.full(len(chosen), day_number(day)), department.day_form)
    columns = chosen.columns | {department.dated: written}
    return replace(chosen, columns=columns, delivery=np.zeros(len(chosen), dtype=np.int64))


def _department(dataset: str) -> Department:
    for department in DEPARTMENTS:
        if department.dataset == dataset:
            return department
    known = ", ".join(department.dataset for department in DEPARTMENTS)
    raise UsageError(f"no department delivers {dataset!r}; choose building, {known}")


def copy_contracts(package: str, city: Path) -> None:
    """Copies the contracts that a package ships into a city."""
    folder = city / "contracts"
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files(package) / "contracts") as shipped:
        for contract in sorted(shipped.glob("*.odcs.yaml")):
            copyfile(contract, folder / contract.name)
