"""How much of a drafted contract stands: each real file's draft against its corrected contract.

A column stands when nothing that its draft says had to be changed and nothing that a draft looks
for was missing: name, type, written form, required, key, allowed values, pattern, range, unit and
classification. Titles, references, bounds and rules over several columns are a person's to add and
are not counted. Who may see a column is its owner's decision, so it is counted apart.

    python -m benchmarks.draft [FOLDER OF THE REAL FILES]
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cityloom.contract.draft import draft_contract
from cityloom.contract.model import Column, Contract
from cityloom.contract.odcs import SUFFIX, load_contract, parse_contract

ROOT = Path(__file__).parents[1]
CONTRACTS = ROOT / "examples" / "contracts"
REAL_FILES = ROOT.parent / "shared" / "data"

FILES = {
    "requests/sf311_10k.csv": "service_request",
    "linkage/fake_1000.csv": "person_fake",
    "linkage/fake_1000_labels.csv": "person_label",
    "linkage/febrl3.csv": "person_febrl",
    "linkage/historical_50k.parquet": "person_historical",
    "zones/CT_block_data.csv": "census_block",
    "zones/UT_block_data.csv": "census_block",
    "shenzhen/subdistricts.csv": "subdistrict",
    "shenzhen/taxi_od_grid.csv": "taxi_trip",
    "shenzhen/sz_districts_transbigdata.json": "district",
    "shenzhen/shenzhen_boundary.geojson": "city_boundary",
    "shenzhen/nanshan-building.geojson": "building_footprint",
}

ASPECTS = {
    "name": ("name",),
    "type": ("kind", "geometry_type", "decimal"),
    "form": ("format", "timezone", "trim"),
    "required": ("required",),
    "key": ("key_position", "unique"),
    "values": ("enum",),
    "pattern": ("pattern", "min_length", "max_length"),
    "range": ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum"),
    "unit": ("unit",),
    "classification": ("classification",),
}


@dataclass(frozen=True)
class Comparison:
    """The corrections each column of one file's draft needed, by the column's name in the file."""

    file: str
    doubts: int
    corrections: dict[str, list[str]]

    @property
    def stand(self) -> int:
        """How many columns needed no correction."""
        return sum(not changed for changed in self.corrections.values())

    @property
    def stand_but_for_class(self) -> int:
        """How many columns needed none, or their classification alone."""
        return sum(not set(c) - {"classification"} for c in self.corrections.values())


def compare(path: Path, corrected: Contract) -> Comparison:
    """What had to be corrected in the draft of a file."""
    draft = draft_contract(path)
    drafted = parse_contract(draft.yaml)
    ours = {column.source_name: column for column in drafted.columns}
    right = {column.source_name: column for column in corrected.columns}
    corrections = {
        name: changes(ours.get(name), right.get(name)) for name in dict.fromkeys((*ours, *right))
    }
    return Comparison(path.name, len(draft.doubts), corrections)


def changes(drafted: Column | None, corrected: Column | None) -> list[str]:
    """The aspects in which a drafted column was changed."""
    if drafted is None or corrected is None:
        return ["left out" if corrected is None else "added"]
    return [
        aspect
        for aspect, facts in ASPECTS.items()
        if any(getattr(drafted, fact) != getattr(corrected, fact) for fact in facts)
    ]


def rows(folder: Path) -> Iterator[Comparison]:
    """The comparison of every real file."""
    for file, dataset in FILES.items():
        yield compare(folder / file, load_contract(CONTRACTS / f"{dataset}{SUFFIX}"))


def table(comparisons: list[Comparison]) -> Iterator[str]:
    """The comparisons as the lines of a Markdown table."""
    yield "| file | columns | no correction | but for classification | doubts | corrected |"
    yield "| --- | ---: | ---: | ---: | ---: | --- |"
    for one in comparisons:
        total = len(one.corrections)
        yield (
            f"| `{one.file}` | {total} | {_share(one.stand, total)} | "
            f"{_share(one.stand_but_for_class, total)} | {one.doubts} | {_listed(one)} |"
        )
    total = sum(len(one.corrections) for one in comparisons)
    stand = sum(one.stand for one in comparisons)
    but_for_class = sum(one.stand_but_for_class for one in comparisons)
    doubts = sum(one.doubts for one in comparisons)
    shares = f"{_share(stand, total)} | {_share(but_for_class, total)}"
    yield f"| all | {total} | {shares} | {doubts} | |"


def _share(count: int, total: int) -> str:
    return f"{count} ({count / total:.0%})"


def _listed(one: Comparison) -> str:
    """The corrected columns, classification left aside."""
    listed = []
    for name, changed in one.corrections.items():
        if kept := [aspect for aspect in changed if aspect != "classification"]:
            listed.append(f"`{name}` {', '.join(kept)}")
    return "; ".join(listed)


if __name__ == "__main__":
    print("\n".join(table(list(rows(Path(sys.argv[1]) if sys.argv[1:] else REAL_FILES)))))
