"""What every page of a dataset has in common: its heading, its figures, its sections."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cityloom.contract import Contract
from cityloom.errors import ContractError
from cityloom.runs import Run
from cityloom.web.answers import Page, Table, answer
from cityloom.web.desk import Desk, Look
from cityloom.web.figures import ended
from cityloom.web.languages import Language, language_of
from cityloom.web.pages.facts import Entry, entry
from cityloom.web.words import (
    delivery_words,
    frequency_words,
    retention_words,
    rules_in_words,
    type_words,
)

SECTIONS = ("contract", "quality", "rows", "quarantine", "lineage", "history")


@dataclass(frozen=True)
class Section:
    """One section of one dataset's page."""

    request: Request
    look: Look
    contract: Contract
    name: str
    language: Language = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "language", language_of(self.request))

    @property
    def runs(self) -> list[Run]:
        """The dataset's runs, oldest first."""
        return self.look.runs_of[self.contract.dataset]

    @property
    def entry(self) -> Entry:
        """The dataset as the catalogue knows it."""
        return entry(self.look, self.contract.dataset)

    def answer(
        self, values: Mapping[str, Any], facts: Any, table: Table | None = None, status: int = 200
    ) -> Response:
        """The section in the form that was asked for."""
        dataset = self.contract.dataset
        shared = {
            "contract": self.contract,
            "delivery_words": delivery_words,
            "entry": self.entry,
            "ended": ended,
            "frequency_words": frequency_words,
            "retention_words": retention_words,
            "rules_in_words": rules_in_words,
            "section": self.name,
            "sections": SECTIONS,
            "type_words": type_words,
        }
        page = Page(
            f"dataset/{self.name}.html",
            {**shared, **values},
            facts,
            table,
            f"{dataset}-{self.name}",
        )
        return answer(self.request, page, status)


def section(request: Request, dataset: str, name: str) -> Section:
    """A section of a dataset's page.

    Raises:
        ContractError: the dataset's contract cannot be used.
        HTTPException: the city has no such dataset.
    """
    desk: Desk = request.app.state.desk
    look = desk.look()
    if dataset not in look.contracts:
        if error := look.city.what_broke(dataset):
            raise ContractError(error)
        raise HTTPException(404)
    return Section(request, look, look.contracts[dataset], name)
