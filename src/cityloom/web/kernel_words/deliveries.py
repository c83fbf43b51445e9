"""How a delivery's columns differ from the contract's, as the receipt says it."""

from cityloom.web.kernel_words.sayings import N_, sayings

_FILE_HAS = r"the file has (?P<values>.+?)\. Nothing was kept.+"

NOTES = sayings(
    N_("column ‘%(column)s’ is missing; ‘%(likely)s’ may be its new name"),
    N_("column ‘%(column)s’ is missing"),
    N_("column ‘%(column)s’ is not in the contract and was not stored"),
    (
        r"(?P<n>\d+) undeclared columns? (?:was|were) not stored",
        N_("columns that are not in the contract and were not stored: %(n)s"),
    ),
)

ERRORS = sayings(
    (
        r"required column '(?P<column>[^']+)' is missing; '(?P<likely>[^']+)' may be its new name; "
        + _FILE_HAS,
        N_(
            "required column ‘%(column)s’ is missing; ‘%(likely)s’ may be its new name; "
            "the file has %(values)s; nothing of it was kept"
        ),
    ),
    (
        r"required column '(?P<column>[^']+)' is missing; " + _FILE_HAS,
        N_(
            "required column ‘%(column)s’ is missing; the file has %(values)s; "
            "nothing of it was kept"
        ),
    ),
)
