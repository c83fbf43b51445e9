"""``cityloom quarantine``"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cityloom.cli.options import (
    HERE,
    AsJson,
    CityPath,
    EngineUrl,
    Purpose,
    open_city,
    operator,
    print_facts,
)
from cityloom.counts import counted

if TYPE_CHECKING:
    import pyarrow as pa


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("quarantine")(quarantine)


def quarantine(
    dataset: Annotated[str, typer.Argument(help="The dataset whose refused rows are meant.")],
    replay: Annotated[
        bool, typer.Option("--replay", help="Judge them again, by the contract as it is now.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write them to this CSV file, with reasons.")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many rows to list.")] = 20,
    purpose: Purpose = None,
    city: CityPath = HERE,
    engine: EngineUrl = None,
    as_json: AsJson = False,
) -> None:
    """List, export or replay the rows of a dataset that were refused."""
    opened = open_city(city, engine)
    if replay:
        runs = opened.replay(dataset)
        kept = sum(run.rows_kept for run in runs)
        left = sum(run.rows_quarantined for run in runs)
        typer.echo(f"Kept now: {kept:,}. Still in quarantine: {left:,}.")
        return
    if export:
        columns = [column.source_name for column in opened.contract(dataset).columns]
        reader = opened.read_quarantine(dataset, operator(), purpose)
        typer.echo(f"{counted(_write_csv(reader, export, columns), 'row')} written to {export}")
        return
    found = opened.read_quarantine(dataset, operator(), purpose, limit=rows).read_all().to_pylist()
    listed = [_listed(row) for row in found]
    print_facts(listed, ("source", "ordinal", "reasons", "received"), as_json)


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    reasons = [reason["message"] for reason in row["reasons"]]
    return {
        "source": row["_delivery"],
        "ordinal": row["_ordinal"],
        "reasons": "; ".join(reasons),
        "received": row["raw"] if row["values"] is None else row["values"],
    }


def _write_csv(reader: "pa.RecordBatchReader", path: Path, columns: Sequence[str]) -> int:
    import csv

    from cityloom.export import whole_file

    rows = 0
    with (
        whole_file(path) as unfinished,
        open(unfinished, "w", encoding="utf-8-sig", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(map(_harmless, ["_source", "_ordinal", "_reasons", "_raw", *columns]))
        for row in (row for batch in reader for row in batch.to_pylist()):
            values = json.loads(row["values"]) if row["values"] else {}
            listed = _listed(row)
            known = [listed["source"], str(listed["ordinal"]), listed["reasons"], row["raw"]]
            writer.writerow(map(_harmless, [*known, *(values.get(name) for name in columns)]))
            rows += 1
    return rows


def _harmless(value: object) -> str:
    """A text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
