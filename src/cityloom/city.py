"""A city: a directory, and the one way in to all that is in it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cityloom.contract import Contract, load_contracts
from cityloom.errors import AccessRefused, DeliveryError, UsageError
from cityloom.inbox import DeliveredFile, Fingerprints, delivered_files, files_in
from cityloom.lake import LakeTable
from cityloom.ledger import Entry, Ledger
from cityloom.lock import writer_lock
from cityloom.measure import Meter
from cityloom.module import Module, installed_modules
from cityloom.plan import Step, parents_first, receipts, replay_reason
from cityloom.policy import Decision, Principal, decide
from cityloom.runs import DERIVE, RECEIVE, REPLAY, Run, RunLog, deliveries, now
from cityloom.settings import Settings, read_settings, write_settings
from cityloom.store import open_store

if TYPE_CHECKING:
    import pyarrow as pa

    from cityloom.engine import Engine
    from cityloom.graph import DatasetFunction, Graph
    from cityloom.receive import Place, Receipt

FOLDERS = ("contracts", "inbox", "lake", "scratch")

OnStep = Callable[[Step, int, int, Run | None], None]
"""Told of each step of a weave: the step, its place, how many there are, and its run when done."""


@dataclass(frozen=True)
class DatasetFacts:
    """What is known of a dataset without looking at its rows."""

    dataset: str
    title: str
    rows: int
    rows_quarantined: int
    version: int
    digest: str
    classification: str
    owner: str
    kind: str


class City:
    """An open city. Any number may read; one process at a time may write."""

    def __init__(self, path: Path, settings: Settings) -> None:
        """Use :meth:`open` or :meth:`create`."""
        self.path = path
        self.settings = settings
        self.ledger = Ledger(path / "ledger.ndjson")

    @classmethod
    def open(cls, path: Path | str, engine: str | None = None) -> "City":
        """The city in a directory.

        Raises:
            UsageError: there is none, or it cannot be read by this version.
        """
        path = Path(path).resolve()
        settings = read_settings(path)
        if engine:
            settings = Settings.model_validate({**settings.model_dump(), "engine": engine})
        return cls(path, settings)

    @classmethod
    def create(cls, path: Path | str, name: str) -> "City":
        """A new, empty city in a directory that holds none yet.

        Raises:
            UsageError: there is something there already.
        """
        path = Path(path).resolve()
        if path.exists() and any(path.iterdir()):
            raise UsageError(f"{path}: not empty; a new city needs a folder of its own")
        for folder in FOLDERS:
            (path / folder).mkdir(parents=True, exist_ok=True)
        write_settings(path, Settings(name=name))
        return cls.open(path)

    # What there is

    @cached_property
    def modules(self) -> list[Module]:
        """The modules installed beside this city."""
        return installed_modules()

    @cached_property
    def received(self) -> dict[str, Contract]:
        """The contracts of the datasets that departments deliver, by dataset."""
        return load_contracts([self.path / "contracts"])

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """The contract of every dataset of this city, received and derived."""
        derived = load_contracts(module.contracts for module in self.modules)
        made = {name for function in self.graph.runnable() for name in function.outputs}
        return {**self.received, **{name: c for name, c in derived.items() if name in made}}

    @cached_property
    def graph(self) -> "Graph":
        """The dataset functions of all modules."""
        from cityloom.graph import Graph, functions_of

        loaded = (module.load_tables() for module in self.modules)
        functions = [f for tables in loaded if tables for f in functions_of(tables)]
        return Graph(functions, self.received)

    def contract(self, dataset: str) -> Contract:
        """A dataset's contract.

        Raises:
            UsageError: the city has no such dataset.
        """
        if dataset not in self.contracts:
            known = ", ".join(sorted(self.contracts)) or "none yet"
            raise UsageError(f"no dataset '{dataset}' in this city; known are {known}")
        return self.contracts[dataset]

    def kept(self, dataset: str) -> LakeTable:
        """The table of a dataset's kept rows."""
        return LakeTable(self.path / "lake" / dataset)

    def quarantine(self, dataset: str) -> LakeTable:
        """The table of a dataset's refused rows."""
        return LakeTable(self.path / "lake" / "_quarantine" / dataset)

    def quarantine_files(self, dataset: str) -> list[Path]:
        """The files of a dataset's refused rows, as its newest commit knows them."""
        from cityloom.quarantine import files_of

        return files_of(self.kept(dataset), self.quarantine(dataset))

    def runs(self, dataset: str | None = None) -> list[Run]:
        """Every run there was, oldest first."""
        self._log.catch_up({name: self.kept(name) for name in self._tables()})
        return self._log.all(dataset)

    def datasets(self) -> list[DatasetFacts]:
        """What is known of every dataset, by name."""
        kinds = {name: "received" for name in self.received}
        runs = self._runs_by_dataset()
        return [
            self._facts(contract, kinds.get(name, "derived"), runs.get(name, []))
            for name, contract in sorted(self.contracts.items())
        ]

    def _facts(self, contract: Contract, kind: str, runs: list[Run]) -> DatasetFacts:
        from cityloom.digest import Digests

        table = self.kept(contract.dataset)
        files = table.files()
        quarantine = self.quarantine(contract.dataset)
        marker = table.marker("quarantine")
        done = [run for run in runs if run.version is not None]
        return DatasetFacts(
            dataset=contract.dataset,
            title=contract.title,
            rows=table.rows(),
            rows_quarantined=0 if marker is None else quarantine.rows(marker),
            version=(done[-1].version or 0) if done else 0,
            digest=Digests(self._store).of(files, contract.schema),
            classification=contract.classification.label,
            owner=contract.owner,
            kind=kind,
        )

    # Reading

    def read(
        self, dataset: str, principal: Principal, purpose: str | None = None, limit: int | None = None
    ) -> "pa.RecordBatchReader":
        """A dataset's rows for a principal and a purpose, streamed; the read is in the ledger.

        Raises:
            AccessRefused: policy does not permit it; the refusal is in the ledger.
        """
        from cityloom.engine import Engine

        contract = self.contract(dataset)
        self._allow(contract, principal, purpose, dataset)
        engine = Engine(self.settings.engine, self.path / "scratch")
        table = engine.table(dataset, self.kept(dataset).files(), contract.schema)
        return engine.batches(table if limit is None else table.limit(limit))

    def read_quarantine(
        self, dataset: str, principal: Principal, purpose: str | None = None, limit: int | None = None
    ) -> "pa.RecordBatchReader":
        """A dataset's refused rows; as closely held as the dataset itself.

        Raises:
            AccessRefused: policy does not permit it; the refusal is in the ledger.
        """
        from cityloom.engine import Engine
        from cityloom.quarantine import SCHEMA

        self._allow(self.contract(dataset), principal, purpose, f"{dataset} (quarantine)")
        engine = Engine(self.settings.engine, self.path / "scratch")
        table = engine.table(f"{dataset}_quarantine", self.quarantine_files(dataset), SCHEMA)
        return engine.batches(table if limit is None else table.limit(limit))

    def may_read(self, dataset: str, principal: Principal, purpose: str | None = None) -> Decision:
        """Whether a read would be permitted, without reading."""
        return decide(self.contract(dataset), principal, purpose)

    def _allow(
        self, contract: Contract, principal: Principal, purpose: str | None, what: str
    ) -> None:
        decision = decide(contract, principal, purpose)
        rows = self.kept(contract.dataset).rows() if decision.granted else None
        self.ledger.record(
            Entry(principal.name, purpose or "", what, decision.granted, decision.reason, rows)
        )
        if not decision.granted:
            owner = f"; ask its owner, {contract.owner}" if contract.owner else ""
            raise AccessRefused(f"{what}: {decision.reason}{owner}")

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
            runs = []
            for file in files_in(Path(path)):
                known = deliveries(self.runs(dataset)).get(file.source)
                if not again and known and known.sha256 == self._fingerprints.of(file.path):
                    continue
                runs.append(self._receive(dataset, file))
            return runs

    def replay(self, dataset: str) -> list[Run]:
        """Judge a dataset's refused rows again, by its contract and references as they are now."""
        with self._writing():
            return self._replay(dataset)

    def plan(self) -> list[Step]:
        """What :meth:`weave` would do now, in order.

        What comes of a step may call for more, which the weave then does as well.
        """
        runs = self._runs_by_dataset()
        steps = [step for c in parents_first(self.received) for step in self._receipts(c, runs)]
        steps += self._replays(runs, touched={step.dataset for step in steps})
        touched = {step.dataset for step in steps}
        for function in self.graph.runnable():
            why = self._why_stale(function, runs, touched)
            if why:
                steps += [Step(DERIVE, name, why) for name in function.outputs]
                touched.update(function.outputs)
        return steps

    def weave(self, on_step: OnStep | None = None) -> list[Run]:
        """Receive what is new, replay what can now be kept, and make what is stale.

        A file that cannot be received is reported as a failed run and does not stop the rest. A
        weave that is interrupted goes on where it was when it is called again.
        """
        with self._writing():
            return list(self._woven(on_step or _unheard))

    def _woven(self, on_step: OnStep) -> Iterator[Run]:
        steps = self.plan()
        total = len(steps)
        done = 0
        for step in [step for step in steps if step.kind == RECEIVE and step.file]:
            on_step(step, done, total, None)
            run = self._try_to_receive(step)
            done += 1
            on_step(step, done, total, run)
            yield run
        for step in self._replays(self._runs_by_dataset(), set()):
            for run in self._replay(step.dataset):
                on_step(step, done, max(total, done), run)
                yield run
        yield from self._derived(on_step, done, total)

    def _derived(self, on_step: OnStep, done: int, total: int) -> Iterator[Run]:
        engine: Engine | None = None
        for function in self.graph.runnable():
            why = self._why_stale(function, self._runs_by_dataset(), set())
            if not why:
                continue
            if engine is None:
                from cityloom.engine import Engine

                engine = Engine(self.settings.engine, self.path / "scratch")
            step = Step(DERIVE, ", ".join(function.outputs), why)
            on_step(step, done, max(total, done + 1), None)
            runs = self._derive(function, engine)
            done += len(runs)
            for run in runs:
                on_step(step, done, max(total, done), run)
                yield run

    # How it is done

    @cached_property
    def _store(self):  # type: ignore[no-untyped-def]
        return open_store(self.path, self.settings.database)

    @cached_property
    def _log(self) -> RunLog:
        return RunLog(self._store)

    @cached_property
    def _fingerprints(self) -> Fingerprints:
        return Fingerprints(self._store)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with writer_lock(self.path):
            yield

    def _tables(self) -> list[str]:
        lake = self.path / "lake"
        return sorted(p.name for p in lake.iterdir() if p.is_dir() and not p.name.startswith("_"))

    def _runs_by_dataset(self) -> dict[str, list[Run]]:
        grouped: dict[str, list[Run]] = {}
        for run in self.runs():
            grouped.setdefault(run.dataset, []).append(run)
        return grouped

    def _receipts(self, contract: Contract, runs: Mapping[str, list[Run]]) -> list[Step]:
        files = delivered_files(self.path, contract)
        known = ((file, self._fingerprints.of(file.path)) for file in files)
        return receipts(contract, known, runs.get(contract.dataset, []))

    def _replays(self, runs: Mapping[str, list[Run]], touched: set[str]) -> list[Step]:
        log = self._log.all()
        newest = {run.dataset: place for place, run in enumerate(log) if run.version is not None}
        newest |= dict.fromkeys(touched, len(log))
        steps = []
        for contract in parents_first(self.received):
            if contract.dataset in touched:
                continue
            quarantined = bool(self.quarantine_files(contract.dataset))
            why = replay_reason(contract, runs.get(contract.dataset, []), newest, quarantined)
            if why:
                steps.append(Step(REPLAY, contract.dataset, why))
        return steps

    def _place(self, contract: Contract) -> "Place":
        from cityloom.receive import Place

        referred = {c.reference.dataset for c in contract.references if c.reference}
        parents = {
            name: (self.contracts[name], self.kept(name))
            for name in referred
            if name in self.contracts
        }
        return Place(
            contract,
            self.kept(contract.dataset),
            self.quarantine(contract.dataset),
            parents,
            self.path / "scratch",
        )

    def _try_to_receive(self, step: Step) -> Run:
        assert step.file is not None
        try:
            return self._receive(step.dataset, step.file)
        except DeliveryError:
            return self._log.all(step.dataset)[-1]

    def _receive(self, dataset: str, file: DeliveredFile) -> Run:
        from cityloom.readers import open_reader
        from cityloom.receive import receive

        contract = self.contract(dataset)
        if dataset not in self.received:
            raise UsageError(f"'{dataset}' is derived; nothing can be delivered to it")
        run = self._begin(contract, RECEIVE, source=file.source)
        run = replace(run, sha256=self._fingerprints.of(file.path))
        meter = Meter()
        try:
            reader = open_reader(file.path, contract.files)
            receive(self._place(contract), reader, file.source, _Account(run, meter))
        except DeliveryError as error:
            failed = replace(run, error=str(error), **meter.facts())  # type: ignore[arg-type]
            self._log.add_failure(failed)
            raise DeliveryError(f"{dataset} ← {file.source}: {error}") from None
        return self.runs(dataset)[-1]

    def _replay(self, dataset: str) -> list[Run]:
        import duckdb

        from cityloom.quarantine import QuarantineReader, relation
        from cityloom.receive import receive

        contract = self.contract(dataset)
        files = self.quarantine_files(dataset)
        sources = duckdb.sql(f"SELECT DISTINCT _delivery FROM ({relation(files)}) ORDER BY 1")
        columns = [column.source_name for column in contract.columns]
        runs = []
        for (source,) in sources.fetchall():
            run = self._begin(contract, REPLAY, source=source)
            meter = Meter()
            reader = QuarantineReader(self.quarantine_files(dataset), source, columns)
            receive(self._place(contract), reader, source, _Account(run, meter), replay=True)
            runs.append(self.runs(dataset)[-1])
        return runs

    def _derive(self, function: "DatasetFunction", engine: "Engine") -> list[Run]:
        from cityloom.derive import Input, Output, derive

        runs = self._runs_by_dataset()
        versions = self._versions(function, runs)
        inputs = {name: self._input(name, function, runs) for name in function.inputs}
        outputs = {
            name: Output(self.contract(name), self.kept(name), self.quarantine(name))
            for name in function.outputs
        }
        meter = Meter()
        accounts = {
            name: _Account(
                replace(
                    self._begin(output.contract, DERIVE, source=function.name),
                    code=function.digest,
                    inputs=versions,
                ),
                meter,
            )
            for name, output in outputs.items()
        }
        derive(function, inputs, outputs, engine, accounts)
        return [self.runs(name)[-1] for name in function.outputs]

    def _input(self, name: str, function: "DatasetFunction", runs: Mapping[str, list[Run]]):  # type: ignore[no-untyped-def]
        from cityloom.derive import Input

        table, contract = self.kept(name), self.contract(name)
        files = table.files()
        last = _last_made(runs.get(function.outputs[0], []))
        seen_version = last.inputs.get(name) if last else None
        seen = set(table.files(seen_version)) if seen_version is not None else set()
        new = [file for file in files if file not in seen]
        return Input(contract, files, new, only_grew=seen <= set(files))

    def _versions(
        self, function: "DatasetFunction", runs: Mapping[str, list[Run]]
    ) -> dict[str, int]:
        return {name: _version(runs.get(name, [])) for name in function.inputs}

    def _why_stale(
        self, function: "DatasetFunction", runs: Mapping[str, list[Run]], touched: set[str]
    ) -> str | None:
        from cityloom.graph import LastRun, why_stale

        if changing := sorted(touched.intersection(function.inputs)):
            return f"{', '.join(changing)} will change"
        versions = self._versions(function, runs)
        for name in function.outputs:
            last = _last_made(runs.get(name, []))
            made = LastRun(last.code, last.contract, last.inputs) if last else None
            if why := why_stale(function.digest, self.contract(name).digest, versions, made):
                return why
        return None

    def _begin(self, contract: Contract, kind: str, source: str) -> Run:
        return Run(
            dataset=contract.dataset,
            kind=kind,
            source=source,
            started=now(),
            contract=contract.digest,
            key=[column.name for column in contract.key],
        )


class _Account(Mapping[str, object]):
    """A run's facts as a commit carries them; what it cost is read when the commit is written."""

    def __init__(self, run: Run, meter: Meter) -> None:
        self._facts = {k: v for k, v in asdict(run).items() if v not in ("", [], {}, None)}
        self._meter = meter

    def __getitem__(self, key: str) -> object:
        return {**self._facts, **self._meter.facts()}[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._facts, **self._meter.facts()})

    def __len__(self) -> int:
        return len(self._facts) + 3


def _unheard(step: Step, done: int, total: int, run: Run | None) -> None:
    """Nobody listens."""


def _last_made(runs: list[Run]) -> Run | None:
    return next((run for run in reversed(runs) if run.kind == DERIVE and not run.failed), None)


def _version(runs: list[Run]) -> int:
    return max((run.version for run in runs if run.version is not None), default=-1)
