"""A city: a directory, and the one way in to all that is in it."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from time import time
from typing import TYPE_CHECKING

from cityloom.catalogue import DatasetFacts, dataset_facts
from cityloom.contract import BrokenContract, Contract, load_contracts, sound_contracts
from cityloom.erasures import FILE as ERASURES
from cityloom.erasures import Erasures
from cityloom.errors import (
    ContractError,
    StorageError,
    UsageError,
    faults_in_words,
)
from cityloom.inbox import DeliveredFile, Fingerprints, files_in
from cityloom.lake import LakeTable, check_place, sweep_lake
from cityloom.ledger import Ledger
from cityloom.lock import writer_lock
from cityloom.module import Module, installed_modules
from cityloom.plan import Step, brings, parents_of
from cityloom.policy import Decision, Principal
from cityloom.policy.files import policy_files, write_default
from cityloom.runs import Run, RunLog, deliveries, newest_version
from cityloom.secret import city_secret
from cityloom.settings import Settings, checked_settings, read_settings, write_settings
from cityloom.store import open_store

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Engine as StoreEngine

    from cityloom.backup.again import ErasedAgain
    from cityloom.erasure import Erasure
    from cityloom.erasures import Erased
    from cityloom.graph import DatasetFunction, Graph
    from cityloom.policy.policies import Policies
    from cityloom.references import References
    from cityloom.sources.pull import Pull
    from cityloom.weaving import OnStep

FOLDERS = ("contracts", "inbox", "lake", "scratch", "scratch/writer")

LAKE_MEND = (
    "Mount the disk that the lake is on, or put the lake back from a backup. If it was given up on "
    "purpose, make a new city with 'cityloom new' from the contracts and the inbox of this one"
)
"""What to do where the whole lake is away."""

FORGOTTEN = 86_400
"""Seconds after which what a reader set aside, and nobody wrote to since, is taken away."""


class City:
    """An open city. Any number may read; one process at a time may write."""

    def __init__(self, path: Path, settings: Settings) -> None:
        """Use :meth:`open` or :meth:`create`."""
        self.path = path
        self.settings = settings
        self.ledger = Ledger(path / "ledger.ndjson")
        self.erasures = Erasures(path / ERASURES)
        self._lake: dict[Path, LakeTable] = {}

    @classmethod
    def open(cls, path: Path | str, engine: str | None = None) -> "City":
        """The city in a directory.

        Raises:
            UsageError: there is none, or it cannot be read by this version.
        """
        path = Path(path).resolve()
        check_place(path)
        settings = read_settings(path)
        if engine:
            settings = checked_settings({**settings.model_dump(), "engine": engine}, "--engine")
        return cls(path, settings)

    @classmethod
    def create(cls, path: Path | str, name: str) -> "City":
        """A new, empty city in a directory that holds none yet.

        Raises:
            UsageError: there is something there already.
        """
        path = Path(path).resolve()
        check_place(path)
        if path.exists() and any(path.iterdir()):
            raise UsageError(f"{path}: not empty; a new city needs a folder of its own")
        settings = checked_settings({"name": name}, "--name")
        with emptied_on_failure(path):
            for folder in FOLDERS:
                (path / folder).mkdir(parents=True, exist_ok=True)
            city_secret(path)
            write_default(path)
            write_settings(path, settings)
        return cls.open(path)

    # What there is

    @cached_property
    def modules(self) -> list[Module]:
        """The modules installed beside this city."""
        return installed_modules()

    @cached_property
    def received(self) -> dict[str, Contract]:
        """The contracts of the datasets that departments deliver, by dataset."""
        sound, _ = self._found
        return {name: sound[name] for name in sorted(set(sound) - self._made)}

    @cached_property
    def broken(self) -> list[BrokenContract]:
        """The files of ``contracts/`` that cannot be used; their datasets stay as they are."""
        sound, broken = self._found
        return [*broken, *(_made_too(sound[name]) for name in sorted(self._made & set(sound)))]

    @cached_property
    def _found(self) -> tuple[dict[str, Contract], list[BrokenContract]]:
        """The contracts and the broken files of ``contracts/``, named by their paths in the city.

        Whoever may look at the console may not learn where on the server the city lies.
        """
        sound, broken = sound_contracts([self.path / "contracts"])
        shown = [replace(item, error=_from(item.error, [self.path])) for item in broken]
        return _named_from(sound, [self.path]), shown

    @cached_property
    def _owned(self) -> dict[str, Contract]:
        """The contracts that modules own, named by their paths in their packages."""
        folders = [module.contracts for module in self.modules]
        places = [folder.parent.parent for folder in folders]
        try:
            return _named_from(load_contracts(folders), places)
        except ContractError as error:
            raise ContractError(_from(str(error), places)) from None

    @cached_property
    def _made(self) -> set[str]:
        return {name for function in self.graph.runnable() for name in function.outputs}

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """The contract of every dataset of this city, received and derived."""
        made = {name for function in self.functions for name in function.outputs}
        return {**self.received, **{name: c for name, c in self._owned.items() if name in made}}

    @cached_property
    def graph(self) -> "Graph":
        """The dataset functions of all modules."""
        from cityloom.graph import Graph, functions_of

        loaded = (module.load_tables() for module in self.modules)
        functions = [f for tables in loaded if tables for f in functions_of(tables)]
        sound, broken = self._found
        return Graph(functions, {*sound, *(name for item in broken for name in item.datasets)})

    @cached_property
    def functions(self) -> "list[DatasetFunction]":
        """The dataset functions that make datasets of this city, in order."""
        return [f for f in self.graph.runnable() if not any(map(self.what_broke, f.outputs))]

    def contract(self, dataset: str) -> Contract:
        """A dataset's contract.

        Raises:
            ContractError: its contract cannot be used; the message is the contract's own.
            UsageError: the city has no such dataset.
        """
        if dataset in self.contracts:
            return self.contracts[dataset]
        if error := self.what_broke(dataset):
            raise ContractError(error)
        known = ", ".join(sorted(self.contracts)) or "none yet"
        raise UsageError(f"no dataset '{dataset}' in this city; known are {known}")

    def delivered(self, dataset: str, instead: str) -> Contract:
        """The contract of a dataset that departments deliver; ``instead`` says why it must be one.

        Raises:
            UsageError: it is derived, or the city has no such dataset.
        """
        contract = self.contract(dataset)
        if dataset not in self.received:
            raise UsageError(f"'{dataset}' is derived; {instead}")
        return contract

    def what_broke(self, dataset: str) -> str | None:
        """Why a dataset's contract cannot be used, or ``None`` where nothing is wrong with it."""
        sound = dataset in self.received
        found = (b.error for b in self.broken if dataset in b.datasets and not sound)
        return next(found, None)

    def waits_for(self, contract: Contract) -> list[str]:
        """The datasets that a contract refers to and whose own contracts cannot be used."""
        targets = {column.reference.dataset for column in contract.references if column.reference}
        return sorted(name for name in targets if self.what_broke(name))

    @cached_property
    def policies(self) -> "Policies":
        """The policies in force.

        Raises:
            PolicyError: a file of them cannot be used, so that nothing may be read.
        """
        from cityloom.policy.policies import Policies

        return Policies(policy_files(self.path), self.contracts.values())

    def kept(self, dataset: str) -> LakeTable:
        """The table of a dataset's kept rows."""
        return self.table(self.path / "lake" / dataset)

    def quarantine(self, dataset: str) -> LakeTable:
        """The table of a dataset's refused rows."""
        return self.table(self.path / "lake" / "_quarantine" / dataset)

    def table(self, folder: Path) -> LakeTable:
        """A table of the lake; always the same for one folder, since it holds its newest open."""
        return self._lake.setdefault(folder, LakeTable(folder))

    def quarantine_files(self, dataset: str) -> list[Path]:
        """The files of a dataset's refused rows, as its newest commit knows them."""
        from cityloom.quarantine import files_of

        return files_of(self.kept(dataset), self.quarantine(dataset))

    def runs(self, dataset: str | None = None) -> list[Run]:
        """Every run there was, oldest first; of one dataset if asked.

        What was committed to a table that is gone counts no more; the next writer forgets it.
        """
        with faults_in_words(self.path):
            self._catch_up([dataset] if dataset else self._tables())
            runs = self.log.all(dataset)
            gone = self._gone({run.dataset for run in runs})
            return [run for run in runs if run.version is None or run.dataset not in gone]

    def failures(self, runs: Iterable[Run] | None = None) -> list[Run]:
        """What failed and can still be mended; among some runs, oldest first, or among all."""
        from cityloom.intake import failures

        return failures(self, self.runs() if runs is None else runs)

    def newest_run(self, dataset: str, kinds: Collection[str]) -> Run | None:
        """The newest run of some kinds that changed a dataset, if any did."""
        with faults_in_words(self.path):
            self._catch_up([dataset])
            return self.log.newest(dataset, lambda run: run.kind in kinds)

    def parent_versions(self, contract: Contract) -> dict[str, int]:
        """The versions of the datasets by whose rows a contract's references are judged now."""
        with faults_in_words(self.path):
            parents = parents_of(contract, self.contracts)
            self._catch_up(parents)
            newest = {name: self.log.newest(name, brings(contract, name)) for name in parents}
        return {name: newest_version([run] if run else []) for name, run in newest.items()}

    def datasets(self) -> list[DatasetFacts]:
        """What is known of every dataset, by name."""
        with faults_in_words(self.path):
            return dataset_facts(self)

    # Reading

    def read(
        self,
        dataset: str,
        principal: Principal,
        purpose: str | None = None,
        limit: int | None = None,
    ) -> "pa.RecordBatchReader":
        """What a principal may read of a dataset for a purpose, streamed; it is in the ledger.

        Columns that the principal may not see as they are come behind their masks.

        Raises:
            AccessRefused: policy does not permit it; the refusal is in the ledger.
            PolicyError: the city's policies cannot be used.
            StorageError: its table is away.
        """
        from cityloom.reading import read

        return read(self, dataset, principal, purpose, limit)

    def read_quarantine(
        self,
        dataset: str,
        principal: Principal,
        purpose: str | None = None,
        limit: int | None = None,
    ) -> "pa.RecordBatchReader":
        """A dataset's refused rows; for those who may read all of the dataset.

        What the contract does not declare is for a signed-in principal with a purpose alone: for
        others ``values`` has the declared columns and ``raw`` is null.

        Raises:
            AccessRefused: policy does not permit it; the refusal is in the ledger.
        """
        from cityloom.reading import read_quarantine

        return read_quarantine(self, dataset, principal, purpose, limit)

    def tiles(
        self,
        dataset: str,
        principal: Principal,
        purpose: str | None = None,
        part: range | None = None,
    ) -> Path | None:
        """The archive of a dataset's map tiles, for a principal and a purpose, if it has one.

        The read is in the ledger, unless it is of a ``part`` of the archive's bytes, and that part
        is a tile and nothing else: then it goes on with what was read before, and is only decided.

        Raises:
            AccessRefused: policy does not permit it; the refusal is in the ledger.
        """
        from cityloom.reading import read_tiles

        return read_tiles(self, dataset, principal, purpose, part)

    def may_read(self, dataset: str, principal: Principal, purpose: str | None = None) -> Decision:
        """What a principal may read of a dataset for a purpose, without reading."""
        self.contract(dataset)
        return self.policies.decide(dataset, principal, purpose)

    # Writing

    def receive(self, dataset: str, path: Path | str, again: bool = False) -> list[Run]:
        """Take in a file, or every file of a folder; a run for each that was not known already.

        Args:
            dataset: the dataset that it is a delivery of.
            path: the file or folder.
            again: take in even bytes that were taken in before.

        Raises:
            DeliveryError: a file cannot be received as a whole; files before it were.
        """
        with self._writing():
            known = {s: run.sha256 for s, run in deliveries(self.runs(dataset)).items()}
            return [
                self.take_in(dataset, file)
                for file in files_in(Path(path))
                if again or known.get(file.source) != self.fingerprints.of(file.path)
            ]

    def pull(self, names: Iterable[str] = (), every: bool = False) -> "Iterator[Pull]":
        """Put into the inbox what sources have that are due, named, or all where ``every``.

        Raises:
            UsageError: the city has no such source.
        """
        from cityloom.sources.pull import pull

        with faults_in_words(self.path):
            yield from pull(self, names, every)

    def replay(self, dataset: str) -> list[Run]:
        """Judge a dataset's refused rows again, by its contract and references as they are now."""
        from cityloom.intake import refused_sources

        self.delivered(dataset, "its rows are judged when it is made")
        with self._writing():
            sources = refused_sources(self, dataset)
            return [run for source in sources for run in self.judge_again(dataset, source)]

    def plan(self) -> list[Step]:
        """What :meth:`weave` would do now, in order, and why."""
        from cityloom.weaving import plan

        with faults_in_words(self.path):
            self._see_that_the_lake_is_there()
            return plan(self)

    def weave(self, on_step: "OnStep | None" = None) -> list[Run]:
        """Receive what is new, replay what can now be kept, and make what is stale.

        A file that cannot be received is reported as a failed run and does not stop the rest. A
        weave that is interrupted goes on where it was when it is called again.
        """
        from cityloom.weaving import weave

        with self._writing():
            self._clear_scratch()
            return list(weave(self, on_step or (lambda step, done, total, run: None)))

    def erase(self, dataset: str, column: str, value: str) -> "Erasure":
        """Erase a subject's rows from a dataset, its quarantine and all that is derived from it.

        Raises:
            UsageError: there is no such dataset or column, or the dataset is derived.
        """
        from cityloom.erasure import erase_subject

        with self._writing(), self._scratch_cleared():
            return erase_subject(self, dataset, column, value)

    def erase_again(self, pending: "Collection[Erased]") -> "ErasedAgain":
        """Repeat erasures in a city that was restored from before them.

        Raises:
            UsageError: a dataset cannot be erased from, or what derives from it not made again.
        """
        from cityloom.backup.again import erase_again

        with self._writing(), self._scratch_cleared():
            return erase_again(self, pending)

    @contextmanager
    def _scratch_cleared(self) -> Iterator[None]:
        """Leave nothing in scratch of what was held there meanwhile and before."""
        try:
            yield
        finally:
            self._clear_scratch()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Be the city's one writer; what storage fails with comes out in words.

        The data files that a writer left who did not come to its end are taken away, and the log
        forgets the tables that are gone.
        """
        with faults_in_words(self.path), writer_lock(self.path) as unended:
            self.scratch.mkdir(parents=True, exist_ok=True)
            self._see_that_the_lake_is_there()
            if unended:
                sweep_lake(self.path / "lake")
            for name in self._gone(self.log.committed()):
                self.log.forget(name)
            yield

    # For a writer that holds the lock

    def take_in(self, dataset: str, file: DeliveredFile) -> Run:
        """Receive one file; see :func:`cityloom.intake.take_in`."""
        from cityloom.intake import take_in

        return take_in(self, dataset, file)

    def judge_again(self, dataset: str, source: str) -> list[Run]:
        """Replay one delivery; see :func:`cityloom.intake.judge_again`."""
        from cityloom.intake import judge_again

        return judge_again(self, dataset, source)

    def expire(self, dataset: str) -> list[Run]:
        """Take out the rows of one dataset that are past retention."""
        from cityloom.retention import expire_dataset

        return expire_dataset(self, dataset)

    # What it holds on to

    @cached_property
    def store(self) -> "StoreEngine":
        """The store's connections."""
        return open_store(self.path, self.settings.database)

    @cached_property
    def log(self) -> RunLog:
        """The log of runs; :meth:`runs` brings it up to date."""
        return RunLog(self.store)

    @cached_property
    def references(self) -> "References":
        """What datasets that others refer to hold, remembered from one delivery to the next."""
        from cityloom.references import References

        return References()

    @cached_property
    def fingerprints(self) -> Fingerprints:
        """The hashes of delivered files."""
        return Fingerprints(self.store)

    @property
    def scratch(self) -> Path:
        """The folder for what the one writer sets aside; a weave clears it."""
        return self.readers_scratch / "writer"

    @property
    def readers_scratch(self) -> Path:
        """The folder for what readers set aside; each takes away its own when it is done."""
        return self.path / "scratch"

    def left_in_scratch(self) -> list[Path]:
        """What writers left, and what readers have not touched for a day: a weave clears it."""
        others = (path for path in self.readers_scratch.glob("*") if path != self.scratch)
        return sorted([*self.scratch.glob("*"), *filter(_is_forgotten, others)])

    def _clear_scratch(self) -> None:
        for path in self.left_in_scratch():
            if path.is_dir() and not path.is_symlink():
                rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _catch_up(self, datasets: Iterable[str]) -> None:
        self.log.catch_up({name: self.kept(name) for name in datasets})

    def _gone(self, datasets: Collection[str]) -> set[str]:
        """Those of some datasets that have no folder in the lake; none where there is no lake."""
        lake = self.path / "lake"
        return set(datasets) - {path.name for path in lake.iterdir()} if lake.is_dir() else set()

    def without_lake(self) -> str:
        """What is to be said where the whole lake is away; empty where it is not.

        A disk that is not mounted leaves an empty folder, or none.
        """
        lake = self.path / "lake"
        if lake.is_dir() and any(lake.iterdir()):
            return ""
        known = len(self.log.committed())
        said = f"the lake is empty, but the log of runs knows datasets in it: {known}"
        return said if known else ""

    def _see_that_the_lake_is_there(self) -> None:
        """Refuse to take a lake that is away for one whose tables were given up.

        Raises:
            StorageError: it is away.
        """
        if said := self.without_lake():
            raise StorageError(f"{self.path / 'lake'}: {said}. {LAKE_MEND}; nothing was changed")

    def see_tables(self, datasets: Collection[str] | None = None) -> None:
        """See that the lake has the tables that the log of runs knows: of some datasets, or all.

        Raises:
            StorageError: the whole lake is away, or a table is.
        """
        self._see_that_the_lake_is_there()
        gone = self._gone(self.log.committed() if datasets is None else datasets)
        if gone and (lost := sorted(gone.intersection(self.log.committed()))):
            raise StorageError(
                f"the lake has no table of {', '.join(lost)}, which the log of runs knows. Put it "
                "back from a backup; or, if it was given up on purpose, 'cityloom weave' receives "
                "and makes it again"
            )

    def _tables(self) -> list[str]:
        lake = self.path / "lake"
        return sorted(p.name for p in lake.iterdir() if p.is_dir() and not p.name.startswith("_"))


def _named_from(contracts: dict[str, Contract], places: Iterable[Path]) -> dict[str, Contract]:
    return {name: replace(c, origin=_from(c.origin, places)) for name, c in contracts.items()}


def _from(text: str, places: Iterable[Path]) -> str:
    """A text whose paths begin at the places that they lie below."""
    for place in places:
        text = text.replace(f"{place}/", "")
    return text


def _made_too(contract: Contract) -> BrokenContract:
    """A delivered dataset's contract where a function makes a dataset of that name."""
    return BrokenContract(
        frozenset([contract.dataset]),
        f"{contract.origin}: a dataset function makes '{contract.dataset}'; "
        "give the delivered dataset another name",
    )


def _is_forgotten(path: Path) -> bool:
    """Whether a file, or a folder and all that is in it, was last written to long ago."""
    try:
        newest = max(entry.lstat().st_mtime for entry in (path, *path.rglob("*")))
    except FileNotFoundError:
        return False
    return time() - newest > FORGOTTEN


@contextmanager
def emptied_on_failure(folder: Path) -> Iterator[None]:
    """Take everything out of a folder again if the block, which fills it, fails."""
    try:
        yield
    except BaseException:
        for entry in folder.glob("*"):
            rmtree(entry) if entry.is_dir() else entry.unlink()
        raise
