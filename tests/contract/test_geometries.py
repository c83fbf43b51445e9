"""Each problem of a geometry is told by itself, of text that was received and of WKB alike."""

import json
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
import shapely

from cityloom.contract.check import conforming, geometry_verdicts, marked
from cityloom.contract.geometries import read_geometries, wkb_verdicts
from cityloom.contract.model import Bounds, Column, Contract, Kind, RowRule
from cityloom.contract.split import Splitter
from cityloom.errors import ContractError

BOX = Bounds(0, 10, 20, 30)
INSIDE, OUTSIDE = "POLYGON ((1 11, 2 11, 2 12, 1 11))", "POLYGON ((1 1, 2 1, 2 2, 1 1))"
CROSSED = "POLYGON ((1 11, 2 12, 2 11, 1 12, 1 11))"


def column(kind: str = "polygon", **facts: Any) -> Column:
    return Column("v", "v", Kind.GEOMETRY, geometry_type=kind, **facts)


BOXED = column(bounds=BOX)


def by_text(stated: Column, text: str | None) -> list[str]:
    """The rules that a received text breaks."""
    splitter = Splitter(Contract("trial", (stated,)))
    rows = splitter.prepare(pa.table({"v": pa.array([text], pa.string())}))
    split = splitter.split(rows, np.arange(1))
    (reasons,) = splitter.explain(split).to_pylist()
    assert split.met.tolist() == [not reasons]
    assert all(reason["column"] == "v" for reason in reasons)
    return [reason["rule"] for reason in reasons]


def by_wkb(stated: Column, wkb: bytes | None) -> list[str]:
    """The rules that a computed geometry breaks."""
    verdicts = wkb_verdicts(pa.chunked_array([pa.array([wkb], pa.binary())]), stated)
    found = [(reason.rule, met) for reason, met in verdicts]
    assert all(met.dtype == np.bool_ for _, met in found)
    return [rule for rule, met in found if not met[0]]


@pytest.mark.parametrize(
    ("stated", "text", "rules"),
    [
        (BOXED, INSIDE, []),
        (BOXED, OUTSIDE, ["bounds"]),
        (BOXED, CROSSED, ["invalid"]),
        (BOXED, "POINT (1 11)", ["type"]),
        (BOXED, "POINT (1 1)", ["type", "bounds"]),
        (BOXED, "LINESTRING (1 1, 1 1)", ["type", "invalid", "bounds"]),
        (BOXED, "POLYGON EMPTY", []),
        (BOXED, "POINT EMPTY", ["type"]),
        (BOXED, "POLYGON ((0 10, 20 10, 20 30, 0 30, 0 10))", []),
        (BOXED, "POLYGON ((-0.5 10, 20 10, 20 30, -0.5 10))", ["bounds"]),
        (BOXED, "POLYGON ((0 9.5, 20 10, 20 30, 0 9.5))", ["bounds"]),
        (BOXED, "POLYGON ((0 10, 20.5 10, 20 30, 0 10))", ["bounds"]),
        (BOXED, "POLYGON ((0 10, 20 10, 20 30.5, 0 10))", ["bounds"]),
        (column(), OUTSIDE, []),
        (column("geometry"), "POINT (1 1)", []),
        (column("geometry", bounds=BOX), "POINT (1 1)", ["bounds"]),
        (column("multipolygon"), INSIDE, []),
        (column("multipolygon"), "MULTIPOLYGON (((1 11, 2 11, 2 12, 1 11)))", []),
        (column("multipolygon"), "MULTIPOINT ((1 1))", ["type"]),
        (column("polygon"), "MULTIPOLYGON (((1 11, 2 11, 2 12, 1 11)))", ["type"]),
        (column("multipoint"), "POINT (1 1)", []),
        (column("geometrycollection"), "GEOMETRYCOLLECTION (POINT (1 1))", []),
        (column("geometrycollection"), "POINT (1 1)", ["type"]),
        (column("point"), "POINT Z (1 2 3)", []),
    ],
    ids=repr,
)  # fmt: skip
def test_a_geometry_is_judged_alike_as_text_and_as_wkb(
    stated: Column, text: str, rules: list[str]
) -> None:
    assert by_text(stated, text) == rules
    assert by_wkb(stated, shapely.to_wkb(shapely.from_wkt(text))) == rules
    assert by_text(stated, str(shapely.to_wkb(shapely.from_wkt(text), hex=True))) == rules


def test_what_is_not_there_breaks_no_rule_but_required() -> None:
    assert by_text(BOXED, None) == by_wkb(BOXED, None) == []
    assert by_text(column(required=True), None) == ["required"]
    assert by_text(column(required=True), "x") == ["form"]
    assert by_text(column(required=True), INSIDE) == []
    assert by_wkb(BOXED, b"no geometry") == ["form"]


GEOJSON = json.dumps({"type": "Point", "coordinates": [1, 2]})


@pytest.mark.parametrize(
    ("text", "is_geometry"),
    [
        ("POINT (1 2)", True), ("  POINT (1 2)", True), (GEOJSON, True), (f"\n{GEOJSON}", True),
        ("0101000000000000000000F03F0000000000000040", True),
        ("00000000013FF00000000000004000000000000000", True),
        ("01", False), ("02", False), ("", False), ("{", False), ("{Feature", False),
        (f'{{"type": "Feature", "geometry": {GEOJSON}}}', False),
        (f'{{"type": "FeatureCollection", "features": [{GEOJSON}]}}', False),
        ('{"type": "Point", "coordinates": [1, 2], "name": "Feature"}', True),
        ('["Feature"]', False),
    ],
)  # fmt: skip
def test_a_geometry_is_known_by_how_its_text_begins(text: str, is_geometry: bool) -> None:
    wkb, problems = read_geometries(pa.chunked_array([[text, None]]), column("geometry"))
    assert (wkb[0].as_py() is not None) == is_geometry
    assert (problems[0].as_py() == 0) == is_geometry
    assert (wkb[1].as_py(), problems[1].as_py()) == (None, 0)
    if is_geometry:
        assert shapely.from_wkb(wkb[0].as_py()).equals(shapely.Point(1, 2))


def test_geometries_are_stored_in_two_dimensions() -> None:
    wkb, _ = read_geometries(pa.chunked_array([["POINT Z (1 2 3)"]]), column("point"))
    assert wkb[0].as_py() == shapely.to_wkb(shapely.Point(1, 2))


def test_a_problem_is_told_in_words() -> None:
    stated = column("polygon", bounds=BOX, crs="EPSG:4490")
    verdicts = wkb_verdicts(pa.chunked_array([pa.array([None], pa.binary())]), stated)
    assert [reason.message for reason, _ in verdicts] == [
        "v: not a geometry; expected WKT, GeoJSON or hexadecimal WKB",
        "v: not a polygon",
        "v: not a valid geometry (OGC Simple Features): its edges cross or repeat",
        "v: outside the bounds 0, 10, 20, 30 (EPSG:4490)",
    ]


# Rows that are typed already


def contract(*columns: Column, rules: tuple[RowRule, ...] = ()) -> Contract:
    return Contract("trial", columns, origin="t.yaml", rules=rules)


NUMBER = Column("n", "n", Kind.INTEGER, required=True, minimum=1)


def test_a_derived_table_has_the_columns_of_its_contract_in_their_order_and_types() -> None:
    given = ibis.memtable({"w": ["a"], "n": [1.0]})
    found = conforming(contract(NUMBER, Column("w", "x", Kind.STRING)), given, "maker")
    assert list(found.schema().items()) == [("n", ibis.dtype("int64")), ("w", ibis.dtype("string"))]
    with pytest.raises(ContractError, match=r"maker does not give column 'n' of t\.yaml"):
        conforming(contract(NUMBER, NUMBER), given.select("w"), "maker")
    with pytest.raises(ContractError, match=r"maker gives column 'w', which t\.yaml lacks"):
        conforming(contract(NUMBER), given, "maker")


def test_each_rule_of_a_derived_table_is_a_column_beside_its_reason() -> None:
    engine = ibis.duckdb.connect()
    engine.raw_sql("CREATE TABLE given AS SELECT * FROM (VALUES (0), (5), (NULL)) AS v (n)")
    given = engine.table("given")
    rules = (RowRule("even", "n % 2 = 0"), RowRule("small", "n < 3"))
    found, reasons = marked(contract(NUMBER, rules=rules), given)
    assert [reason.rule for reason in reasons] == ["required", "minimum", "even", "small"]
    rows = found.order_by("n").to_pyarrow().to_pylist()
    marks = [[row[f"_rule_{number}"] for number in range(4)] for row in rows]
    assert marks == [
        [True, False, True, True],
        [True, True, False, False],
        [False, None, None, None],
    ]
    plain, none = marked(contract(Column("n", "n", Kind.INTEGER)), given)
    assert (plain.columns, none) == (("n",), [])


def test_only_columns_of_geometries_are_judged_as_such() -> None:
    point = shapely.to_wkb(shapely.Point(1, 2))
    rows = pa.table({"n": [1], "v": pa.array([point], pa.binary())})
    assert [*geometry_verdicts(contract(NUMBER), rows)] == []
    found = [*geometry_verdicts(contract(NUMBER, column("polygon")), rows)]
    assert [reason.rule for reason, met in found if not met.all()] == ["type"]
