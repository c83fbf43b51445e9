"""A pattern in portable words matches what it matched before, to the letter."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.contract.patterns import portable, whole

TEXTS = st.text(st.sampled_from("aAbzZ09_-[]{}()&~^$.\\ \t\n\r\x0b٣é京𠮷ſ "), max_size=6)
PATTERNS = (
    ".", ".+", "a.b", "a$|b", "^a", "[^a]+", r"\d", r"\D", r"\w+", r"\W", r"\s", r"\S",
    r"[\d_]+", r"[^\w]", r"[\s-]", "[[:alpha:]]+", "[^[:digit:]]", "[[:punct:]]+", "[[:^alpha:]]",
    "[[:space:]]", "[[]", "[]]", "[^]]", r"[\]]", "[a&&b]+", "[~^]", "[.$]", r"\.", r"\$", r"\\d",
    r"a\$", "(?i)a+", "(?s).", "(?s:.)+", "(?m)a$", r"\Qa.$\E", r"\p{Han}", r"\PL",
    "(京|𠮷)", "[一-龥]", r"[A-Z]{2}-\d{4}", "a?", "(?:)", "",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=TEXTS)
def test_a_portable_pattern_matches_what_the_pattern_does(pattern: str, text: str) -> None:
    texts = pa.array([text])
    assert pc.match_substring_regex(texts, portable(pattern)).equals(
        pc.match_substring_regex(texts, pattern)
    )
    assert pc.match_substring_regex(texts, whole(pattern)).equals(
        pc.match_substring_regex(texts, rf"\A(?:{pattern})\z")
    )


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a.", r"a[^\n]"),
        ("a$", r"a\z"),
        (r"\d\W", "[0-9][^0-9A-Za-z_]"),
        (r"[^\d.$[]", r"[^0-9.$\[]"),
        ("[[:xdigit:]&&~]", r"[0-9A-Fa-f\&\&\~]"),
        (r"\Qa.b\E.", r"a\.b[^\n]"),
        ("(?s)a.$", "(?s)a.$"),
        (r"\.\$\\d", r"\.\$\\d"),
        (r"\p{L}", r"\p{L}"),
    ],
)
def test_a_pattern_is_said_in_portable_words(pattern: str, said: str) -> None:
    assert portable(pattern) == said
    assert whole(pattern) == rf"^(?:{said})\z"
