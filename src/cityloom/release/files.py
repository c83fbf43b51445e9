"""A release as files: the table as CSV and Parquet, and the report as JSON and as text."""

import json
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from cityloom.disk import put
from cityloom.errors import UsageError, faults_in_words
from cityloom.release.publish import Release

_FORMULA = r"^[=+\-@\t\r]"


def write(release: Release, folder: Path) -> list[Path]:
    """Write a release's files into a folder, which is made; those of an earlier one are replaced.

    All are written beside their places first. The report, which has the SHA-256 of the data files,
    comes last: data that a crash left behind without it does not agree with the report that is
    there.

    Raises:
        UsageError: the folder is none.
        StorageError: a file cannot be written; those that were there stay.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder} is a file; name a folder")
    with faults_in_words(folder), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{release.name}{ending}" for ending in _ENDINGS]
        drafts = [path.with_name(f".{path.name}.unfinished") for path in paths]
        for draft in drafts:
            stack.callback(draft.unlink, missing_ok=True)
        data, parquet, text, report = drafts
        pyarrow.csv.write_csv(harmless(release.table), data)
        pq.write_table(release.table, parquet, compression="zstd")
        sums = {path.name: _sum(draft) for path, draft in zip(paths[:2], drafts[:2], strict=True)}
        told = {**release.report, "files": sums}
        text.write_text(as_text(told), encoding="utf-8")
        report.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        for draft, path in zip(drafts, paths, strict=True):
            put(draft, path)
    return paths


_ENDINGS = (".csv", ".parquet", ".report.txt", ".report.json")


def harmless(table: pa.Table) -> pa.Table:
    """A table in which no text begins as a formula does in a spreadsheet.

    Such a text gets an apostrophe before it, as OWASP advises ("CSV Injection").
    """
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            texts = table.column(place)
            guarded = pc.replace_substring_regex(texts, _FORMULA, r"'\0")
            table = table.set_column(place, field.name, guarded)
    return table


def as_text(report: dict[str, Any]) -> str:
    """A report for a reader."""
    return "\n".join([*_of_what(report), *_of_cells(report), *_of_audit(report)]) + "\n"


def _of_what(report: dict[str, Any]) -> list[str]:
    stated = report["statement"]
    return [
        report["title"],
        "",
        f"{report['dataset']} version {report['version']} ({report['classification']}), "
        f"released {report['at']} by {report['who']} for {stated['purpose']}",
        f"owner {stated['owner']}, licence {stated['licence']}",
        f"by {', '.join(stated['by'])}; no cell below {stated['minimum']} contributors; "
        f"zeros are {stated['zeros']}",
        *[f"{key}: {stated[key]}" for key in ("dominance", "p_percent", "round", "noise")
          if stated[key]],
        "",
    ]  # fmt: skip


def _of_cells(report: dict[str, Any]) -> list[str]:
    primary = report.get("primary", {})
    return [
        f"{report['published']:,} of {report['cells']:,} cells are published, "
        f"{report['suppressed']:,} suppressed:",
        *(f"  {number:,} by {rule}" for rule, number in primary.items()),
        *([f"  {report['secondary']:,} to protect those"] if "secondary" in report else []),
        f"  lost: {_lost(report['loss'])}",
        *(f"  {level['level']}: {level['suppressed']:,} of {level['cells']:,} suppressed"
          for level in report["levels"]),
        "",
        f"method: {report['method']}",
    ]  # fmt: skip


def _lost(loss: dict[str, Any]) -> str:
    rows = loss["rows_of_the_finest_table"]
    of_rows = "" if rows is None else f", {rows:.1%} of the rows of the finest table"
    return f"{loss['cells']:.1%} of the cells{of_rows}"


def _of_audit(report: dict[str, Any]) -> list[str]:
    if "noise" in report:
        noise = report["noise"]
        return [
            f"epsilon {noise['epsilon']:g} protects {noise['protects']}; "
            f"{noise['left_of_budget']:g} of the dataset's budget is left"
        ]
    return [
        "audit passed: no suppressed cell can be worked out more closely than is allowed",
        *(
            f"  {found['figure']}: {found['cells']:,} cells sought"
            for found in report["audit"]["figures"]
        ),
    ]


def _sum(path: Path) -> str:
    with open(path, "rb") as file:
        digest = sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
