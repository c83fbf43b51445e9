"""Contestants: each receives the same readings by the same rules, as its makers would write it.

A contestant is a module with two functions: `receive(csv, folder) -> Stages` reads the file and
writes kept and rejected rows into the folder, and `tally(folder) -> Tally` counts, outside the
measured run, what was written. This list imports none of them, so that the process that measures
stays small.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Contestant:
    """Who takes part, and what it can be asked to do.

    A contestant that does not set unsplittable lines apart is given the file without them; one
    that does not tell exact copies from rows in conflict over a key may reject both alike.
    """

    module: str
    title: str
    ours: bool = False
    sets_unsplit_apart: bool = False
    sets_copies_apart: bool = False


OURS = Contestant(
    "cityloom_city", "cityloom", ours=True, sets_unsplit_apart=True, sets_copies_apart=True
)

CONTESTANTS = {
    contestant.module: contestant
    for contestant in (
        OURS,
        Contestant("dataframely_lazy", "dataframely, streaming"),
        Contestant("dataframely_eager", "dataframely, eager"),
        Contestant("pandera_polars", "pandera, polars"),
        Contestant("dlt_pydantic", "dlt, pydantic"),
    )
}
