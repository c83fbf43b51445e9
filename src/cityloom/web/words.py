"""Contracts and runs in a reader's words."""

from collections.abc import Iterator
from datetime import timedelta

from cityloom.contract import Column, Contract
from cityloom.contract.model import Classification, Delivery, Kind
from cityloom.runs import DERIVE, ERASE, EXPIRE, FILL, RECEIVE, REPLAY, TILE, Run
from cityloom.web.figures import Standing
from cityloom.web.languages import Language

_MOST_VALUES = 8
_SIGNS = {"1": "", "m2": "m²", "km2": "km²", "m3": "m³", "degree": "°"}


def name_of(contract: Contract, language: Language) -> str:
    """What a reader calls a dataset: its title in Chinese, else its name."""
    return contract.title if language.is_chinese and contract.title else contract.dataset


def heading(column: Column, language: Language) -> str:
    """What a reader calls a column."""
    return column.title if language.is_chinese and column.title else column.name


def classification_word(label: str, language: Language) -> str:
    """A classification's word."""
    _ = language.gettext
    return {
        Classification.PUBLIC.label: _("public"),
        Classification.INTERNAL.label: _("internal"),
        Classification.PERSONAL.label: _("personal"),
        Classification.SENSITIVE.label: _("sensitive"),
    }[label]


def standing_word(standing: Standing, language: Language) -> str:
    """How a dataset stands, in a word or two."""
    _ = language.gettext
    return {
        Standing.FAILED: _("failed"),
        Standing.LATE: _("late"),
        Standing.EMPTY: _("nothing yet"),
        Standing.CURRENT: _("up to date"),
    }[standing]


def origin_word(kind: str, language: Language) -> str:
    """Whether a dataset is delivered or made."""
    _ = language.gettext
    return _("derived") if kind == "derived" else _("received")


def run_word(kind: str, language: Language) -> str:
    """What a run did, in a word."""
    _ = language.gettext
    return {
        RECEIVE: _("receipt"),
        REPLAY: _("replay"),
        DERIVE: _("derivation"),
        ERASE: _("erasure"),
        EXPIRE: _("expiry"),
        TILE: _("tiling"),
        FILL: _("filling of columns"),
    }.get(kind, kind)


def taken_out_words(run: Run, language: Language) -> str:
    """How many rows an expiry or an erasure took out."""
    _, count = language.gettext, run.taken_out or 0
    if run.kind == ERASE:
        return _("erased rows: %(n)s", n=count)
    if count:
        return _("rows taken out past retention: %(n)s", n=count)
    return _("nothing was past retention")


def delivery_words(contract: Contract, language: Language) -> str:
    """How a dataset's deliveries add up."""
    _ = language.gettext
    return {
        Delivery.APPEND: _("each delivery adds rows"),
        Delivery.SNAPSHOT: _("a delivery replaces the whole dataset"),
        Delivery.UPSERT: _("a row replaces the row with the same key"),
    }[contract.delivery]


def frequency_words(span: timedelta | None, language: Language) -> str:
    """How often something new is expected."""
    if span is None:
        return language.gettext("not stated")
    return language.gettext("every %(period)s", period=language.period(span))


def retention_words(contract: Contract, language: Language) -> str:
    """How long rows are kept, and from when that is counted."""
    _ = language.gettext
    if contract.retention is None:
        return _("for ever")
    period = language.period(contract.retention)
    if contract.retention_column:
        return _("%(period)s from %(column)s", period=period, column=contract.retention_column)
    return _("%(period)s from the day of receipt", period=period)


def type_words(column: Column, language: Language) -> str:
    """A column's type."""
    _ = language.gettext
    if column.kind is Kind.GEOMETRY:
        return _("geometry (%(kind)s, %(crs)s)", kind=column.geometry_type or "*", crs=column.crs)
    if column.decimal:
        return _("number with %(n)s decimals", n=column.decimal[1])
    return {
        Kind.STRING: _("text"),
        Kind.INTEGER: _("whole number"),
        Kind.NUMBER: _("number"),
        Kind.BOOLEAN: _("yes or no"),
        Kind.DATE: _("date"),
        Kind.TIMESTAMP: _("date and time"),
        Kind.TIME: _("time of day"),
        Kind.JSON: _("JSON"),
    }[column.kind]


def unit_sign(unit: str | None, language: Language) -> str:
    """A unit as it is written in a heading; nothing for a bare number."""
    _ = language.gettext
    words = {
        "building": _("buildings"),
        "company": _("companies"),
        "dwelling": _("dwellings"),
        "household": _("households"),
        "lease": _("leases"),
        "month": _("month"),
        "person": _("people"),
        "school": _("schools"),
    }
    parts = (unit or "").split("/")
    return "/".join(words.get(part) or _SIGNS.get(part, part) for part in parts)


def rules_in_words(column: Column, language: Language) -> Iterator[str]:
    """A column's rules, each in a few words; a reference is told apart, since it is a link."""
    _ = language.gettext
    if column.key_position is not None:
        yield _("key")
    if column.required:
        yield _("required")
    if column.unique and column.key_position is None:
        yield _("unique")
    if column.enum:
        yield _among(column.enum, language)
    if column.format:
        yield _("written %(form)s", form=column.format)
    if column.pattern:
        yield _("matches %(pattern)s", pattern=column.pattern)
    yield from _lengths(column, language)
    yield from _ranges(column, language)
    if column.bounds:
        box = column.bounds
        edges = f"{box.west}, {box.south}, {box.east}, {box.north}"
        yield _("within %(edges)s", edges=edges)


def _among(values: tuple[str, ...], language: Language) -> str:
    _ = language.gettext
    some = language.listed(values[:_MOST_VALUES])
    if (more := len(values) - _MOST_VALUES) > 0:
        return _("one of %(values)s and %(more)s more", values=some, more=more)
    return _("one of %(values)s", values=some)


def _lengths(column: Column, language: Language) -> Iterator[str]:
    _ = language.gettext
    if column.min_length is not None:
        yield _("at least %(n)s characters", n=column.min_length)
    if column.max_length is not None:
        yield _("at most %(n)s characters", n=column.max_length)


def _ranges(column: Column, language: Language) -> Iterator[str]:
    _ = language.gettext
    unit = unit_sign(column.unit, language)

    def edge(value: str | float) -> str:
        written = language.number(value, 6) if isinstance(value, float) else str(value)
        return f"{written} {unit}".strip()

    if column.minimum is not None:
        yield _("at least %(edge)s", edge=edge(column.minimum))
    if column.maximum is not None:
        yield _("at most %(edge)s", edge=edge(column.maximum))
    if column.exclusive_minimum is not None:
        yield _("more than %(edge)s", edge=edge(column.exclusive_minimum))
    if column.exclusive_maximum is not None:
        yield _("less than %(edge)s", edge=edge(column.exclusive_maximum))
