"""What a model found wrong in a file, in words: the field, and what is expected there."""

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Any

import pydantic

_MISSING = "missing"

_EXPECTED = {
    _MISSING: "is missing",
    "extra_forbidden": "is not known; take it out",
    "bool": "expected true or false",
    "dict": "expected keys and values, as in 'name: height'",
    "float": "expected a number",
    "int": "expected a whole number",
    "list": "expected a list, each item after a dash",
    "model": "expected keys and values, as in 'name: height'",
    "string": "expected text",
    "string_too_short": "expected at least {min_length} character",
    "string_too_long": "expected at most {max_length} characters",
    "string_pattern_mismatch": "expected what matches {pattern}",
    "tuple": "expected a list",
    "union_tag_invalid": "'{tag}' is not known; expected {expected_tags}",
    "union_tag_not_found": "expected {discriminator}",
}
"""What is expected, by the kind of a mistake or, where a value is of another type, by the type."""

_OF_TYPE = re.compile(r"(?P<type>[a-z]+)_(type|parsing|from_float)")
_WANTED = "expected "
_LONGEST = 40


def first_mistake(
    error: pydantic.ValidationError, stated: object, known: Collection[str] = ()
) -> str:
    """The first field that is not as it should be, and what is expected of it.

    Args:
        error: what the model said.
        stated: what the file says.
        known: names of fields, of which one that is not known may be misspelt.
    """
    mistakes = error.errors()
    fields = [_field(stated, mistake["loc"], mistake["type"] == _MISSING) for mistake in mistakes]
    alike = [m for m, field in zip(mistakes, fields, strict=True) if field == fields[0]]
    wanted = _either(list(dict.fromkeys(_expected(mistake) for mistake in alike)))
    return f"field {fields[0]}: {_meant(alike[0], known) or wanted}{_found(alike[0])}"


def _meant(mistake: Any, known: Collection[str]) -> str:
    """What a field that is not known was meant to be, where its name is nearly one that is."""
    if mistake["type"] != "extra_forbidden":
        return ""
    near = get_close_matches(str(mistake["loc"][-1]), known, n=1)
    return f"is not known; is '{near[0]}' meant?" if near else ""


def _either(wanted: list[str]) -> str:
    """One sentence of several, which says once that something is expected."""
    if all(words.startswith(_WANTED) for words in wanted):
        return _WANTED + " or ".join(words.removeprefix(_WANTED) for words in wanted)
    return " or ".join(wanted)


def _field(stated: object, path: Sequence[int | str], is_missing: bool) -> str:
    """A field's path in the file, without what the model alone knows of it, and whose it is."""
    found: list[str] = []
    name, here = "", stated
    for step in path:
        if isinstance(here, list) and isinstance(step, int):
            here = here[step]
            name = _name(here) or name
        elif isinstance(here, dict) and step in here:
            here = here[step]
        else:
            continue
        found.append(str(step))
    found += [str(path[-1])] if is_missing else []
    return ".".join(found) + (f" (of '{name}')" if name else "")


def _name(item: object) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) else ""


def _expected(mistake: Any) -> str:
    kind, said = mistake["type"], mistake["msg"]
    if kind == "value_error":
        return str(mistake["ctx"]["error"])
    of_type = _OF_TYPE.fullmatch(kind)
    wanted = _EXPECTED.get(of_type["type"] if of_type else kind)
    if wanted is None:
        return str(said.replace("Input should be", "expected"))
    return wanted.format(**mistake.get("ctx", {}))


def _found(mistake: Any) -> str:
    """What stands there instead, where that is short."""
    found = mistake["input"]
    if mistake["type"] in (_MISSING, "extra_forbidden", "union_tag_invalid", "value_error"):
        return ""
    if isinstance(found, dict | list):
        return ", not a list" if isinstance(found, list) else ", not keys and values"
    mend = "; put it in quotes" if mistake["type"] == "string_type" and found is not None else ""
    shown = "nothing" if found is None else f"'{_shortened(str(found))}'"
    return f", not {shown}{mend}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
