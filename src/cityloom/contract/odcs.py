"""Reading contracts written in the Open Data Contract Standard, version 3."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

import pydantic
import yaml
from open_data_contract_standard.model import (
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    ServiceLevelAgreementProperty,
)

from cityloom.contract.columns import read_columns
from cityloom.contract.custom import custom_properties, flag
from cityloom.contract.filled import filled_columns
from cityloom.contract.model import (
    Contract,
    Delivery,
    Files,
    Kind,
    RowRule,
)
from cityloom.contract.once import OnceLoader
from cityloom.contract.refusals import refuse_forbidden
from cityloom.contract.spelling import check_spelling
from cityloom.errors import ContractError
from cityloom.mistakes import first_mistake

SUFFIX = ".odcs.yaml"

_KIND = "DataContract"
_API_VERSION = re.compile(r"v3(\.[0-9]+){2}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DOUBT = re.compile(r"^[ \t]*#[ \t]*doubt:", re.MULTILINE)
_UNIT = re.compile(r"h(ours?)?|d(ays?)?|w(eeks?)?|m(onths?)?|y(ears?)?")
_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.4375, "y": 365.25}
_MOST_DAYS = 1000 * 365.25


@dataclass(frozen=True)
class BrokenContract:
    """A contract file that cannot be used: the datasets it may be meant for, and what is wrong."""

    datasets: frozenset[str]
    error: str


def load_contracts(folders: Iterable[Path]) -> dict[str, Contract]:
    """The contracts of all ``*.odcs.yaml`` files in some folders, by dataset name.

    Raises:
        ContractError: a file is not a contract, is refused, or two files name one dataset.
    """
    contracts, broken = sound_contracts(folders)
    if broken:
        raise ContractError(broken[0].error)
    return contracts


def sound_contracts(
    folders: Iterable[Path],
) -> tuple[dict[str, Contract], list[BrokenContract]]:
    """The contracts of some folders, by dataset name, and the files that are none.

    Of two files that name one dataset neither counts: nobody can know which is meant.
    """
    contracts: dict[str, list[Contract]] = {}
    broken: list[BrokenContract] = []
    for path in (file for folder in folders for file in sorted(folder.glob(f"*{SUFFIX}"))):
        try:
            contract = load_contract(path)
        except ContractError as error:
            broken.append(BrokenContract(_meant(path), str(error)))
        else:
            contracts.setdefault(contract.dataset, []).append(contract)
    broken += [_twin(*several) for several in contracts.values() if len(several) > 1]
    return {name: found[0] for name, found in contracts.items() if len(found) == 1}, broken


def _twin(first: Contract, second: Contract, *_: Contract) -> BrokenContract:
    return BrokenContract(
        frozenset([second.dataset]),
        f"{second.origin}: dataset '{second.dataset}' already has a contract, {first.origin}; "
        "remove one of them or rename the dataset",
    )


def _meant(path: Path) -> frozenset[str]:
    """The datasets that a file may be the contract of: by its name, and by what can be read."""
    names = {path.name.removesuffix(SUFFIX)}
    with suppress(OSError, UnicodeDecodeError, ContractError, LookupError, TypeError):
        text = path.read_text(encoding="utf-8")
        names.add(str(_yaml(text, "", yaml.SafeLoader)["schema"][0]["name"]))
    return frozenset(names)


def load_contract(path: Path) -> Contract:
    """The contract in one file.

    Raises:
        ContractError: the file is not a contract or is refused; the message says where and why.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ContractError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    return parse_contract(text, origin=str(path))


@lru_cache(maxsize=512)
def parse_contract(text: str, origin: str = "contract") -> Contract:
    """The contract written in ``text``, read once; ``origin`` names it in messages.

    Raises:
        ContractError: see :func:`load_contract`.
    """
    document = _document(text, origin)
    digest = sha256(text.encode()).hexdigest()
    try:
        contract = replace(_contract(document, origin, digest), doubts=len(_DOUBT.findall(text)))
    except ContractError as error:
        raise ContractError(f"{origin}: {error}") from None
    _check_conditions(contract)
    refuse_forbidden(contract)
    return contract


def _document(text: str, origin: str) -> OpenDataContractStandard:
    stated = _yaml(text, origin)
    if not isinstance(stated, dict) or not all(isinstance(name, str) for name in stated):
        raise ContractError(
            f"{origin}: not an ODCS contract: expected keys and values, as in 'kind: DataContract'"
        )
    try:
        _check_standard(stated)
        document = OpenDataContractStandard(**stated)
        check_spelling(stated, document)
    except pydantic.ValidationError as error:
        raise ContractError(f"{origin}: {first_mistake(error, stated)}") from None
    except ContractError as error:
        raise ContractError(f"{origin}: {error}") from None
    return document


def _check_standard(stated: dict[str, Any]) -> None:
    """See that a document says it is a contract, of a version of the standard that is read here."""
    kind, version = stated.get("kind", _KIND), stated.get("apiVersion", "v3.0.0")
    if kind != _KIND:
        raise ContractError(f"kind '{kind}': expected '{_KIND}'")
    if not isinstance(version, str) or not _API_VERSION.fullmatch(version):
        raise ContractError(
            f"apiVersion '{version}': expected version 3 of the standard, as in v3.1.0"
        )


def _yaml(text: str, origin: str, loader: type[yaml.SafeLoader] = OnceLoader) -> Any:
    try:
        return yaml.load(text, loader)
    except ContractError as error:
        raise ContractError(f"{origin}: {error}") from None
    except RecursionError:
        raise ContractError(f"{origin}: not YAML that can be read: nested too deeply") from None
    except yaml.YAMLError as error:
        raise ContractError(f"{origin}: not YAML{_said(error)}") from None
    except (ValueError, LookupError, AttributeError, OverflowError) as error:
        # The YAML reader's own failures over dates such as 2024-02-30 and tags such as !!int
        raise ContractError(
            f"{origin}: not YAML that can be read: {error}; put dates and the like in quotes"
        ) from None


def _said(error: yaml.YAMLError) -> str:
    """Where a text stops being YAML and why."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return ": " + " ".join(str(error).split())
    why = ", ".join(part for part in (error.context, error.problem) if part)
    line = error.problem_mark.line + 1
    return f" at line {line}: {why}; look at the indentation, colons and quotes there"


def _check_conditions(contract: Contract) -> None:
    """Refuse rules that are not conditions; the SQL parser is loaded only where there are some."""
    if contract.rules:
        from cityloom.contract.conditions import row_condition

        for rule in contract.rules:
            row_condition(contract, rule)


def _contract(document: OpenDataContractStandard, origin: str, digest: str) -> Contract:
    if len(document.schema_ or []) != 1:
        raise ContractError("a contract describes one dataset: expected one object in 'schema'")
    table = (document.schema_ or [])[0]
    custom = custom_properties(document.customProperties) | custom_properties(
        table.customProperties
    )
    columns = read_columns(table, str(custom.get("classification", "sensitive")))
    contract = Contract(
        dataset=_dataset_name(table),
        columns=columns,
        filled=filled_columns(columns),
        version=document.version or "",
        title=table.businessName or document.name or table.name or "",
        description=table.description
        or (document.description and document.description.purpose)
        or "",
        owner=_owner(document),
        domain=document.domain or "",
        delivery=_one_of(Delivery, custom.get("delivery", "append"), "delivery"),
        purposes=_purposes(custom.get("purposes")),
        retention=_period(document.slaProperties, "retention"),
        retention_column=_element(document.slaProperties, "retention"),
        frequency=_period(document.slaProperties, "frequency"),
        grows=flag(custom, "grows"),
        rules=tuple(_row_rules(table)),
        files=_files(document, table.name or ""),
        origin=origin,
        digest=digest,
        is_draft=document.status == "draft",
    )
    _check_whole(contract)
    return contract


def _dataset_name(table: SchemaObject) -> str:
    name = table.name or ""
    if not _NAME.fullmatch(name):
        raise ContractError(
            f"schema name '{name}' cannot name a dataset; "
            "use lower-case letters, digits and underscores, a letter first"
        )
    if name == "previous" or name.startswith("new_"):
        raise ContractError(
            f"schema name '{name}' cannot name a dataset: 'previous' and 'new_…' are parameters "
            "of dataset functions; use another"
        )
    return name


def _purposes(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(p, str) and p.strip() for p in value):
        raise ContractError(f"purposes '{value}': expected a list of words, as in [planning]")
    return tuple(value)


def _owner(document: OpenDataContractStandard) -> str:
    team = document.team
    if team is None:
        return ""
    if isinstance(team, list):
        return next((member.name or member.username or "" for member in team), "")
    return team.name or ""


def _row_rules(table: SchemaObject) -> Iterator[RowRule]:
    """The rules of ours, on the whole and on its columns."""
    yield from _conditions(table.quality or [], "rule_{}")
    for prop in table.properties or []:
        yield from _conditions(prop.quality or [], f"{prop.name}_rule_{{}}")


def _conditions(qualities: Iterable[DataQuality], unnamed: str) -> Iterator[RowRule]:
    for number, quality in enumerate(qualities, start=1):
        if quality.engine != "cityloom":
            continue
        name = quality.name or quality.id or unnamed.format(number)
        if not isinstance(quality.implementation, str):
            raise ContractError(
                f"quality rule {number} ('{name}'): 'implementation' must be a condition"
            )
        yield RowRule(name, quality.implementation, quality.description or "")


def _files(document: OpenDataContractStandard, dataset: str) -> Files:
    if not document.servers:
        return Files()
    server = document.servers[0]
    delimiter = {"tab": "\t", "\\t": "\t"}.get(server.delimiter or ",", server.delimiter or ",")
    if len(delimiter.encode()) != 1 or delimiter in '"\r\n':
        raise ContractError(
            f"delimiter '{delimiter}' must be one ASCII character, or 'tab', "
            "and no quotation mark or line end"
        )
    encoding = _encoding(server.encoding or "utf-8")
    custom = custom_properties(server.customProperties)
    return Files(
        path=_pattern(server.path, dataset),
        format=server.format,
        delimiter=delimiter,
        encoding=encoding,
        sheet=_named(custom, "sheet"),
        header=_header(custom.get("header")),
        layer=_named(custom, "layer"),
        crs=_named(custom, "crs"),
    )


def _named(custom: dict[str, Any], name: str) -> str | None:
    value = custom.get(name)
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return None if value is None else str(value)
    raise ContractError(f"{name} '{value}' of 'servers': expected a name; put it in quotes")


def _header(value: Any) -> int | None:
    if value is None or (type(value) is int and value >= 1):
        return value
    raise ContractError(f"header '{value}' of 'servers': expected the number of a row, 1 or more")


def _pattern(path: str | None, dataset: str) -> str | None:
    """The pattern of a dataset's files, which lie in the city.

    Its own folder of the inbox stands for all of its usual place.
    """
    if not path or PurePath(path) == PurePath("inbox", dataset):
        return None
    parts = PurePath(path).parts
    if not parts or PurePath(path).is_absolute() or ".." in parts:
        raise ContractError(
            f"path '{path}' of 'servers' leads out of the city; "
            "expected one from the city's folder, as in inbox/trees/*.csv"
        )
    if any("**" in part and part != "**" for part in parts):
        raise ContractError(f"path '{path}' of 'servers': '**' stands for folders, so stands alone")
    return path


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ContractError(
            f"encoding '{name}' is not known; expected one such as utf-8, gb18030 or big5"
        ) from None
    return name


def _period(properties: list[ServiceLevelAgreementProperty] | None, name: str) -> timedelta | None:
    for sla in properties or []:
        if sla.property != name:
            continue
        days = _days(sla.value, sla.unit or "d")
        if days is None or not 0 < days <= _MOST_DAYS:
            raise ContractError(
                f"slaProperties '{name}': '{sla.value} {sla.unit}' is not a period; "
                "expected a number above 0 and one of h, d, w, m, y, at most 1000 years"
            )
        return timedelta(days=days)
    return None


def _days(value: Any, unit: str) -> float | None:
    """A number of some unit in days; ``None`` where it is none."""
    known = _UNIT.fullmatch(unit.strip().lower())
    if not known or isinstance(value, bool):
        return None
    try:
        return float(value) * _DAYS[known[0][0]]
    except (TypeError, ValueError):
        return None


def _element(properties: list[ServiceLevelAgreementProperty] | None, name: str) -> str | None:
    element = next((sla.element for sla in properties or [] if sla.property == name), None)
    return element.rpartition(".")[2] if element else None


def _one_of(kind: type[Delivery], word: Any, what: str) -> Delivery:
    try:
        return kind(word)
    except ValueError:
        raise ContractError(f"{what} '{word}' is none of {', '.join(kind)}") from None


def _check_whole(contract: Contract) -> None:
    if contract.delivery is Delivery.UPSERT and not contract.key:
        raise ContractError("delivery 'upsert' needs a primary key: mark it with 'primaryKey'")
    if counted := contract.retention_column:
        kinds = {column.name: column.kind for column in contract.columns}
        if counted not in kinds:
            raise ContractError(f"retention counts from '{counted}', not a column")
        if kinds[counted] not in (Kind.DATE, Kind.TIMESTAMP):
            raise ContractError(
                f"retention counts from column '{counted}', which is {kinds[counted]}; "
                "it needs a date or a timestamp"
            )
    for column in contract.columns:
        if column.special_purpose and column.special_purpose not in contract.purposes:
            raise ContractError(
                f"column '{column.name}': special_purpose '{column.special_purpose}' "
                "is not among the contract's 'purposes'"
            )
