"""Making a sample city, and one more delivery to it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copyfile
from typing import Final

import numpy as np

from cityloom.errors import UsageError
from cityloom.sample import survey, truth
from cityloom.sample.departments import DEPARTMENTS
from cityloom.sample.dirt import damage
from cityloom.sample.draws import stream
from cityloom.sample.neighbourhood import Neighbourhood, neighbourhood, neighbourhoods
from cityloom.sample.plan import make_plan
from cityloom.sample.records import Department, Records
from cityloom.sample.text import dates, day_number
from cityloom.sample.write import DeliveryFile, format_of, open_delivery

Progress = Callable[[str, int, int], None]
"""Called with what is being made, how much of it is done, and of how much."""

_DAILY_ROWS: Final = 500


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

    def add(self, dataset: str, rows: int, faults: dict[str, int]) -> None:
        """Counts rows written, and their faults by kind."""
        self.rows[dataset] += rows
        self.faults.setdefault(dataset, Counter()).update(faults)


def make_sample(
    city: Path, scale: Fraction | float, seed: int, progress: Progress | None = None
) -> SampleSummary:
    """Writes contracts and deliveries of a sample city into `city`, and the truth next to it.

    Scale 1 is a city of 20 million people. The same scale and seed make the same bytes. Memory
    is bounded by one neighbourhood and the list of buildings, whatever the scale.
    """
    plan = make_plan(scale, seed)
    _copy_contracts(city / "contracts")
    folder = truth.truth_of(city)
    truth.remember(folder, plan.scale, seed)
    summary = SampleSummary(
        people=int(plan.people.sum()),
        companies=int(plan.companies.sum()),
        properties=int(plan.ground.buildings.properties.sum()),
        buildings=len(plan.ground.buildings),
    )
    with truth.TruthFiles(folder) as facts_files:
        for dataset, name, rows in survey.write_geography(city / "inbox", plan.ground):
            summary.rows[dataset] += rows
            summary.sources.append(f"{dataset}/{name}")
        _note_faulty_buildings(facts_files, summary, name, rows)
        filing = {d.dataset: _Filing(city / "inbox", d, facts_files, summary) for d in DEPARTMENTS}
        for hood in neighbourhoods(plan):
            facts_files.add_entities(hood)
            for department in DEPARTMENTS:
                rng = stream(seed, department.dataset, hood.number)
                records = department.make(hood, rng, f"{hood.number:06d}")
                filing[department.dataset].file(rng, records)
            if progress is not None:
                progress("neighbourhoods", hood.number + 1, plan.neighbourhoods)
        for files_of_one in filing.values():
            files_of_one.close()
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
    plan = make_plan(truth.remembered_scale(folder), seed)
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
    with truth.TruthFiles(folder, f".{day:%Y%m%d}.{dataset}") as facts_files:
        filing = _Filing(city / "inbox", department, facts_files, SampleSummary(), (name,))
        filing.file(rng, records)
        filing.close()
    return city / "inbox" / dataset / name


class _Filing:
    """The delivery files of one department, with their truth; a file exists once it has rows."""

    def __init__(
        self,
        inbox: Path,
        department: Department,
        facts_files: truth.TruthFiles,
        summary: SampleSummary,
        names: tuple[str, ...] | None = None,
    ) -> None:
        self._folder = inbox / department.dataset
        self._department = department
        self._names = names or department.files
        self._truth = facts_files
        self._summary = summary
        self._open: dict[str, DeliveryFile] = {}

    def file(self, rng: np.random.Generator, records: Records) -> None:
        """Damages the records and writes each into the file it goes to."""
        dirty = damage(rng, records, self._department, format_of(self._names[0]))
        bounds = np.searchsorted(dirty.records.delivery, np.arange(len(self._names) + 1)).tolist()
        for name, start, stop in zip(self._names, bounds, bounds[1:], strict=False):
            if start < stop:
                spoiled = {row - start: kind for row, kind in dirty.spoiled.items()
                           if start <= row < stop}  # fmt: skip
                self._write(name, dirty.records.slice(start, stop), spoiled)

    def close(self) -> None:
        """Ends every file."""
        for delivery in self._open.values():
            delivery.close()

    def _write(self, name: str, records: Records, spoiled: dict[int, str]) -> None:
        dataset = self._department.dataset
        if name not in self._open:
            self._open[name] = open_delivery(self._folder / name, dataset)
            self._summary.sources.append(f"{dataset}/{name}")
        delivery = self._open[name]
        self._truth.add_records(dataset, name, records, delivery.rows)
        delivery.write(records.columns, spoiled)
        faults = {kind: len(rows) for kind, rows in records.faults.items()}
        self._summary.add(dataset, len(records), faults)


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


def _note_faulty_buildings(
    facts_files: truth.TruthFiles, summary: SampleSummary, name: str, rows: int
) -> None:
    """The faulty buildings are the last of the `rows` in the last file of buildings."""
    first = rows - len(survey.FAULTY_BUILDINGS) + 1
    kinds = [kind for kind, _ in survey.FAULTY_BUILDINGS]
    faults = {kind: np.array([first + place]) for place, kind in enumerate(kinds)}
    facts_files.add_faults("building", name, faults)
    summary.add("building", 0, dict.fromkeys(kinds, 1))


def _copy_contracts(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files("cityloom.sample") / "contracts") as shipped:
        for contract in sorted(shipped.glob("*.odcs.yaml")):
            copyfile(contract, folder / contract.name)
