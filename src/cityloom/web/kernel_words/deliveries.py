"""How a delivery's columns differ from the contract's, as the receipt says it."""

from cityloom.web.kernel_words.sayings import N_, sayings

_IT_HAS = r"has (?P<values>.+?)\. Nothing was kept.+"

NOTES = sayings(
    N_("column ‘%(column)s’ is missing; ‘%(likely)s’ may be its new name"),
    N_("column ‘%(column)s’ is missing"),
    N_("column ‘%(column)s’ is not in the contract and was not stored"),
    (
        r"(?P<n>\d+) undeclared columns? (?:was|were) not stored",
        N_("columns that are not in the contract and were not stored: %(n)s"),
    ),
    (
        r"(?P<n>\d+) more columns? (?:is|are) not in the contract and (?:was|were) not stored",
        N_("further columns that are not in the contract and were not stored: %(n)s"),
    ),
    N_("%(made)s of %(tiles)s tiles made, %(copied)s of %(size)s MB copied"),
    (
        r"(?P<n>[\d,]+) rows? (?:has|have) no place on a map in Web Mercator",
        N_("rows that have no place on a map in Web Mercator: %(n)s"),
    ),
)

ERRORS = sayings(
    (
        r"required column '(?P<column>[^']+)' is missing; '(?P<likely>[^']+)' may be its new name; "
        r"the file " + _IT_HAS,
        N_(
            "required column ‘%(column)s’ is missing; ‘%(likely)s’ may be its new name; "
            "the file has %(values)s; nothing of it was kept"
        ),
    ),
    (
        r"required column '(?P<column>[^']+)' is missing; the file " + _IT_HAS,
        N_(
            "required column ‘%(column)s’ is missing; the file has %(values)s; "
            "nothing of it was kept"
        ),
    ),
    (
        r"none of the contract's columns is in the file; it " + _IT_HAS,
        N_(
            "none of the contract’s columns is in the file; it has %(values)s; "
            "nothing of it was kept"
        ),
    ),
)
