"""What a model finds wrong is said in words: the field, and what is expected there."""

from typing import Annotated

import pydantic
import pytest

from cityloom.mistakes import first_mistake


class Thing(pydantic.BaseModel):
    """A model with fields of many kinds."""

    word: Annotated[str, pydantic.StringConstraints(max_length=3)] = ""
    count: int = 0
    either: int | bool | None = None


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"word": "long"}, "field word: expected at most 3 characters, not 'long'"),
        ({"word": 3}, "field word: expected text, not '3'; put it in quotes"),
        ({"count": 1.5}, "field count: expected a whole number, not '1.5'"),
        ({"count": "one"}, "field count: expected a whole number, not 'one'"),
        ({"either": "x"}, "field either: expected a whole number or true or false, not 'x'"),
    ],
)
def test_a_value_is_said_with_what_is_wrong_with_it_and_not_only_with_its_type(
    stated: dict[str, object], words: str
) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        Thing.model_validate(stated)
    assert first_mistake(caught.value, stated) == words
