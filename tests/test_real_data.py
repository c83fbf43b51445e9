"""Files that others published, received by the example contracts: the counts, reasons and drift.

They lie beside the project, in ``../shared/data``; the tests are skipped where they do not.
"""

from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from benchmarks.draft import REAL_FILES, ROOT
from cityloom.city import City
from cityloom.contract import Files
from cityloom.errors import DeliveryError
from cityloom.lake import DELIVERY, ORDINAL, LakeTable
from cityloom.readers import open_reader
from cityloom.runs import Run
from examples.receive_real import RECEIVED, real_city, receive_all, table
from tests.cities import TESTER, assert_accounted

TRUTH = "cluster"

pytestmark = pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason=f"the real files are not here: no folder {REAL_FILES}"
)


class Counts(NamedTuple):
    """Rows of one file."""

    read: int
    kept: int
    quarantined: int
    duplicate: int = 0


EXPECTED = {
    "sf311_10k.csv": Counts(10_000, 9_979, 21),
    "fake_1000.csv": Counts(1_000, 940, 60),
    "fake_1000_labels.csv": Counts(3_176, 2_946, 230),
    "febrl3.csv": Counts(5_000, 4_894, 106),
    "historical_50k.parquet": Counts(50_578, 47_181, 3_397),
    "CT_block_data.csv": Counts(49_926, 49_926, 0),
    "UT_block_data.csv": Counts(71_207, 71_207, 0),
    "subdistricts.csv": Counts(79, 79, 0),
    "taxi_od_grid.csv": Counts(193_455, 193_455, 0),
    "sz_districts_transbigdata.json": Counts(10, 10, 0),
    "shenzhen_boundary.geojson": Counts(1, 1, 0),
    "nanshan-building.geojson": Counts(10, 8, 2),
    "denver_blocks.zip": Counts(10_149, 10_149, 0),
    "providence_blocks.zip": Counts(3_014, 3_014, 0),
    "grid.shp": Counts(9_005, 9_005, 0),
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    return real_city(tmp_path_factory.mktemp("real") / "city")


@pytest.fixture(scope="module")
def runs(city: City) -> dict[str, Run]:
    return {run.source: run for run in receive_all(city, REAL_FILES)}


def test_every_file_gives_the_counts_it_should(runs: dict[str, Run]) -> None:
    found = {
        source: Counts(run.rows_read, run.rows_kept, run.rows_quarantined, run.rows_duplicate)
        for source, run in runs.items()
    }
    assert found == EXPECTED
    assert len(RECEIVED) == len(EXPECTED)


def test_every_row_is_accounted_for_and_is_where_its_account_says(
    city: City, runs: dict[str, Run]
) -> None:
    for run in runs.values():
        assert_accounted(run)
    for dataset in set(RECEIVED.values()):
        of_dataset = [run for run in runs.values() if run.dataset == dataset]
        kept = _places(city.kept(dataset).files())
        refused = _places(city.quarantine_files(dataset))
        assert len(kept) == sum(run.rows_kept for run in of_dataset)
        assert len(refused) == sum(run.rows_quarantined for run in of_dataset)
        everything = {(r.source, n) for r in of_dataset for n in range(1, r.rows_read + 1)}
        assert kept | refused == everything
        assert not kept & refused


def test_the_truth_is_never_stored(city: City, runs: dict[str, Run]) -> None:
    for dataset in set(RECEIVED.values()):
        assert TRUTH not in city.kept(dataset).schema().names
        for path in _all_files(city.kept(dataset)):
            assert TRUTH not in pq.read_schema(path).names
        for values in _column(_all_files(city.quarantine(dataset)), "values"):
            assert f'"{TRUTH}"' not in (values or "")
        assert not any(_column(_all_files(city.quarantine(dataset)), "raw"))
    assert not any(TRUTH in note for run in runs.values() for note in run.notes)
    noted = [run.source for run in runs.values() if run.notes]
    blocks = ["denver_blocks.zip", "providence_blocks.zip"]
    assert noted == ["fake_1000.csv", "historical_50k.parquet", *blocks]


def test_requests_closed_before_they_were_made_are_refused_and_unknown_places_kept(
    city: City, runs: dict[str, Run]
) -> None:
    reasons = runs["sf311_10k.csv"].reasons
    assert reasons["closed_after_created: A request is closed after it was made."] == 17
    reader = city.read("service_request", TESTER, "service_planning")
    kept = reader.read_all().to_pylist()
    nowhere = [row for row in kept if (row["latitude"], row["longitude"]) == (0, 0)]
    assert len(nowhere) == 4_263
    assert {row["incident_address"] for row in nowhere} == {
        "Not associated with a specific address"
    }


def test_blocks_delivered_in_feet_lie_about_the_points_that_their_own_columns_name(
    city: City, runs: dict[str, Run]
) -> None:
    rows = all_rows(city, "denver_block")
    kept = {row["geoid"]: shapely.from_wkb(row["geometry"]) for row in rows}
    names = ["GEOID20", "INTPTLON20", "INTPTLAT20"]
    reader = open_reader(REAL_FILES / "zones" / "denver_blocks.zip", Files())
    named = pa.concat_tables(batch.rows for batch in reader.batches(names))
    for block in named.to_pylist()[::50]:
        geoid, *point = (block[name] for name in names)
        assert kept[geoid].distance(shapely.Point(*map(float, point))) < 0.0001


def test_a_grid_with_an_empty_prj_is_asked_about_where_its_contract_does_not_say_its_crs(
    city: City, runs: dict[str, Run], tmp_path: Path
) -> None:
    for row in all_rows(city, "grid_cell")[::100]:
        middle = shapely.from_wkb(row["geometry"]).centroid
        assert middle.distance(shapely.Point(row["longitude"], row["latitude"])) < 0.001
    silent = real_city(tmp_path / "city")
    contract = silent.path / "contracts" / "grid_cell.odcs.yaml"
    text = contract.read_text(encoding="utf-8")
    unsaid = text.replace('      - {property: crs, value: "EPSG:4326"}\n', "", 1)
    contract.write_text(unsaid.replace("    customProperties:\n", "", 1), encoding="utf-8")
    with pytest.raises(DeliveryError, match="nothing of the CRS"):
        City.open(silent.path).receive("grid_cell", REAL_FILES / "shenzhen" / "grid" / "grid.shp")


def all_rows(city: City, dataset: str) -> list[dict[str, Any]]:
    return city.read(dataset, TESTER).read_all().to_pylist()


def test_the_documentation_shows_what_comes_of_them(runs: dict[str, Run]) -> None:
    page = (ROOT / "docs" / "real-data.md").read_text(encoding="utf-8")
    assert table(runs.values()) in page


def _places(files: list[Path]) -> set[tuple[str, int]]:
    read = [pq.read_table(path, columns=[DELIVERY, ORDINAL]) for path in files]
    return {place for one in read for place in zip(*(c.to_pylist() for c in one), strict=True)}


def _all_files(folder: LakeTable) -> list[Path]:
    return sorted(folder.folder.glob("*.parquet"))


def _column(files: list[Path], name: str) -> list[str | None]:
    return [value for path in files for value in pq.read_table(path)[name].to_pylist()]
