"""The texts of a contract's columns, judged: each column in its way, and the engine asked once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

import pyarrow as pa

from cityloom.contract.asker import Asker
from cityloom.contract.geometries import read_geometries
from cityloom.contract.model import Column, Kind
from cityloom.contract.queries import (
    MET,
    PROBLEMS,
    TEXT,
    VALUE,
    explanation,
    has_left_rules,
    left_rules_sql,
    values_sql,
)
from cityloom.contract.rules import Reason
from cityloom.contract.ways import AsTyped, AtAGlance, Judged, Way, nothing, way_to_judge
from cityloom.masks import Mask, mask


class Judge:
    """Judges the columns of one delivery, each in the way that its first batch suggests."""

    def __init__(self, columns: Sequence[Column], asker: Asker) -> None:
        self._columns = tuple(columns)
        self._asker = asker
        self._ways: list[Way] = []

    def judge(self, text: pa.Table) -> list[Judged]:
        """The texts of a batch, which has a column for each of the contract's."""
        if not self._ways:
            self._ways = list(map(way_to_judge, self._columns, text.columns))
        looks = [way.look(texts) for way, texts in zip(self._ways, text.columns, strict=True)]
        answers = self._ask([look.asked for look in looks])
        judged = [look.judged(answer) for look, answer in zip(looks, answers, strict=True)]
        return self._by_left_rules(judged)

    def explain(self, texts: Mapping[int, pa.ChunkedArray]) -> list[tuple[int, Reason, Mask]]:
        """For texts of some columns, by their places: every reason, and the texts it refuses."""
        if not texts:
            return []
        columns = tuple(self._columns[place] for place in texts)
        reasons, sql = explanation(columns)
        found = iter(self._asker.ask(sql, _side_by_side(columns, list(texts.values()))).columns)
        return [
            (place, reason, mask(broken.slice(0, len(of_column))))
            for (place, of_column), its in zip(texts.items(), reasons, strict=True)
            for reason, broken in zip(its, islice(found, len(its)), strict=True)
        ]

    def _ask(self, asked: Sequence[pa.ChunkedArray]) -> list[Judged]:
        """What the engine says of some texts of each column."""
        answers = [nothing(column) for column in self._columns]
        places = [place for place, texts in enumerate(asked) if len(texts)]
        if not places:
            return answers
        columns = tuple(self._columns[place] for place in places)
        batch = _side_by_side(columns, [asked[place] for place in places])
        found = self._asker.ask(values_sql(columns), batch)
        for number, place in enumerate(places):
            texts, its = asked[place], found.slice(0, len(asked[place]))
            values = its[VALUE.format(number)].cast(self._columns[place].arrow_type)
            answers[place] = Judged(texts, values, mask(its[MET.format(number)]))
        return answers

    def _by_left_rules(self, judged: list[Judged]) -> list[Judged]:
        """The same by the rules that glances do not know of as well."""
        left = [
            place
            for place, (way, column) in enumerate(zip(self._ways, self._columns, strict=True))
            if isinstance(way, AtAGlance | AsTyped) and has_left_rules(column)
        ]
        if not left:
            return judged
        sql = left_rules_sql(tuple(self._columns[place] for place in left))
        values = {VALUE.format(n): judged[place].values for n, place in enumerate(left)}
        met = dict(zip(left, self._asker.met(sql, pa.table(values), len(left)), strict=True))
        return [
            replace(its, sound=its.sound & met[place]) if place in met else its
            for place, its in enumerate(judged)
        ]


def _side_by_side(columns: Sequence[Column], texts: Sequence[pa.ChunkedArray]) -> pa.Table:
    """Texts of some columns as the queries ask for them, the shorter ones filled up with nulls."""
    longest = max(map(len, texts))
    found: dict[str, pa.ChunkedArray | pa.Array] = {}
    for place, (column, written) in enumerate(zip(columns, texts, strict=True)):
        missing = pa.nulls(longest - len(written), pa.string())
        filled = pa.chunked_array([*written.chunks, missing]) if len(missing) else written
        if column.kind is Kind.GEOMETRY:
            filled, problems = read_geometries(filled, column)
            found[PROBLEMS.format(place)] = problems
        found[TEXT.format(place)] = filled
    return pa.table(found)
