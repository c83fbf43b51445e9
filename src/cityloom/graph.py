"""Derived datasets: the graph of dataset functions, and what is stale in it.

A function's parameters name the datasets it reads; its name is the dataset it makes::

    def street_waits(case_days: Table) -> Table: ...

Five additions: ``previous`` is the dataset's own last version; ``new_<dataset>`` its rows that this
function has not seen; :func:`by_partition` feeds a numeric kernel one partition at a time,
:func:`by_batch` some hundred thousand rows at a time; a function that returns a NamedTuple makes
one dataset for each of its fields.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256
from types import FunctionType, ModuleType
from typing import Any, get_type_hints

from cityloom.errors import UsageError

PREVIOUS = "previous"
NEW = "new_"
_PARTITION = "__cityloom_partition__"
_BATCHES = "__cityloom_batches__"


@dataclass(frozen=True)
class DatasetFunction:
    """A function that makes datasets from datasets."""

    name: str
    call: Callable[..., Any]
    parameters: tuple[str, ...]
    outputs: tuple[str, ...]
    partition: str | None
    digest: str
    origin: str
    batches: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The datasets it reads, without its own last version."""
        return tuple(
            dict.fromkeys(name.removeprefix(NEW) for name in self.parameters if name != PREVIOUS)
        )

    @property
    def incremental(self) -> bool:
        """Whether it reads only what is new."""
        return any(name.startswith(NEW) for name in self.parameters)


def by_partition(column: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Call a kernel once for each value of a column.

    The kernel takes and returns Arrow tables: of every input that has the column, the rows with
    that value; of every other input, all rows.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(function, _PARTITION, column)
        return function

    return mark


def by_batch(parameter: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Call a kernel once for every quarter of a million rows or so of one input.

    The kernel takes and returns Arrow tables: of that input some rows, in no order that means
    anything; of every other input, all rows. It is for what looks each row up by itself, so that
    memory holds no more of a large input than it must.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(function, _BATCHES, parameter)
        return function

    return mark


def functions_of(module: ModuleType) -> list[DatasetFunction]:
    """The dataset functions that a module defines: its public functions."""
    return [
        _dataset_function(name, value, module.__name__)
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


def _dataset_function(name: str, function: FunctionType, origin: str) -> DatasetFunction:
    returned = get_type_hints(function).get("return")
    outputs = tuple(getattr(returned, "_fields", (name,)))
    return DatasetFunction(
        name=name,
        call=function,
        parameters=tuple(inspect.signature(function).parameters),
        outputs=outputs,
        partition=getattr(function, _PARTITION, None),
        digest=code_digest(function),
        origin=origin,
        batches=getattr(function, _BATCHES, None),
    )


def code_digest(function: Callable[..., Any]) -> str:
    """A hash of a function's source and of all of its own package that it uses.

    That is functions and classes, called by name or through their module, behind decorators that
    keep what they wrap, their default arguments, and the constants of their modules.
    """
    package = function.__module__.partition(".")[0]
    found: dict[str, str] = {}
    pending: list[Any] = [function]
    while pending:
        item = inspect.unwrap(pending.pop())
        name = f"{item.__module__}.{item.__qualname__}"
        if name in found:
            continue
        found[name] = _source(item)
        for used, value in _used(item):
            if inspect.ismodule(value):
                continue
            if _defined_in(value, package):
                pending.append(value)
            elif (written := _constant(value)) is not None:
                found[f"{name}:{used}"] = written
    return sha256("\n".join(found[name] for name in sorted(found)).encode()).hexdigest()


@cache
def _source(item: Any) -> str:
    return inspect.getsource(item)


def _defined_in(value: Any, package: str) -> bool:
    own = getattr(value, "__module__", None) or ""
    made_of_code = inspect.isfunction(inspect.unwrap(value)) if callable(value) else False
    return own.partition(".")[0] == package and (made_of_code or inspect.isclass(value))


def _used(item: Any) -> Iterable[tuple[str, Any]]:
    if inspect.isclass(item):
        methods = (value for value in vars(item).values() if inspect.isfunction(value))
        for method in methods:
            yield from _used(method)
        return
    defaults = [*(item.__defaults__ or ()), *(item.__kwdefaults__ or {}).values()]
    yield from ((f"default {place}", value) for place, value in enumerate(defaults))
    names = _names(item.__code__)
    for name in sorted(names):
        value = item.__globals__.get(name)
        if value is not None:
            yield name, value
        if inspect.ismodule(value):
            yield from _of_module(name, value, names, item)


def _constant(value: Any) -> str | None:
    """A plain value as text that is the same in every process; ``None`` for anything else."""
    if isinstance(value, set | frozenset):
        return f"set {sorted(map(repr, value))}"
    if isinstance(value, dict):
        return f"dict {[(key, _constant(item)) for key, item in value.items()]}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} {[_constant(item) for item in value]}"
    if value is None or isinstance(value, str | bytes | int | float | complex | Decimal | date):
        return repr(value)
    return None


def _of_module(
    name: str, module: ModuleType, names: set[str], item: Any
) -> Iterable[tuple[str, Any]]:
    package = item.__module__.partition(".")[0]
    if module.__name__.partition(".")[0] != package:
        return
    for attribute in sorted(names):
        if hasattr(module, attribute):
            yield f"{name}.{attribute}", getattr(module, attribute)


def _names(code: Any) -> set[str]:
    inner = (const for const in code.co_consts if inspect.iscode(const))
    return set(code.co_names).union(*(_names(const) for const in inner))


class Graph:
    """The dataset functions of a city, in an order in which each finds its inputs made."""

    def __init__(self, functions: Iterable[DatasetFunction], known: Iterable[str]) -> None:
        """Order the functions.

        Args:
            functions: all that are installed.
            known: the datasets that exist without a function, by contract.

        Raises:
            UsageError: two functions make one dataset, or functions wait for each other.
        """
        self.maker: dict[str, DatasetFunction] = {}
        for function in functions:
            for output in function.outputs:
                if twin := self.maker.get(output):
                    raise UsageError(
                        f"dataset '{output}' is made twice: by {twin.origin}.{twin.name} and by "
                        f"{function.origin}.{function.name}; rename one of them"
                    )
                self.maker[output] = function
        self._known = set(known) - set(self.maker)
        self.order = self._ordered()

    def _ordered(self) -> list[DatasetFunction]:
        by_name = {_full_name(function): function for function in self.maker.values()}
        waits_for = {
            name: {_full_name(self.maker[n]) for n in function.inputs if n in self.maker}
            for name, function in by_name.items()
        }
        try:
            names = list(TopologicalSorter(waits_for).static_order())
        except CycleError as error:
            ring = " → ".join(name.rpartition(".")[2] for name in reversed(error.args[1]))
            raise UsageError(f"these datasets wait for each other: {ring}") from None
        return [by_name[name] for name in names]

    def missing(self, function: DatasetFunction) -> list[str]:
        """The inputs, direct or further up, that this city does not have."""
        found: list[str] = []
        for name in function.inputs:
            if name in self.maker:
                found += self.missing(self.maker[name])
            elif name not in self._known:
                found.append(name)
        return sorted(set(found))

    def runnable(self) -> list[DatasetFunction]:
        """The functions whose inputs this city has, in order."""
        return [function for function in self.order if not self.missing(function)]


def _full_name(function: DatasetFunction) -> str:
    return f"{function.origin}.{function.name}"


def why_stale(
    code: str, contract: str, inputs: Mapping[str, int], last: "LastRun | None"
) -> str | None:
    """Why a dataset must be made again, or ``None`` where it is as its inputs and code say.

    Args:
        code: the function's digest now.
        contract: the digest of the dataset's contract now.
        inputs: each input's version now.
        last: what it was last made with.
    """
    if last is None:
        return "never made"
    if last.code != code:
        return "its function changed"
    if last.contract != contract:
        return "its contract changed"
    changed = sorted(name for name, version in inputs.items() if last.inputs.get(name) != version)
    if changed:
        return f"{', '.join(changed)} changed"
    return None


@dataclass(frozen=True)
class LastRun:
    """With what a dataset was last made."""

    code: str
    contract: str
    inputs: Mapping[str, int]
