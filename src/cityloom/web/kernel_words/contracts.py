"""What is wrong with a contract's file, as its reader says it."""

from cityloom.web.kernel_words.sayings import N_, sayings

MISTAKES = sayings(
    N_("not YAML at line %(line)s: %(said)s; look at the indentation, colons and quotes there"),
    (r"field (?P<field>.+?): is missing", N_("field %(field)s is missing")),
    (
        r"field (?P<field>.+?): is not known; take it out",
        N_("field %(field)s is not known; take it out"),
    ),
    N_("field %(field)s: expected %(wanted)s, not %(found)s; put it in quotes"),
    N_("field %(field)s: expected %(wanted)s, not %(found)s"),
    (
        r"dataset '(?P<dataset>\w+)' already has a contract, (?P<file>.+?\.yaml); remove one of "
        r"them or rename the dataset",
        N_("dataset ‘%(dataset)s’ already has a contract, %(file)s; remove one of them"),
    ),
    N_(
        "column ‘%(column)s’: no value could meet both %(low)s ‘%(least)s’ and %(high)s ‘%(most)s’"
        "; mend one of them"
    ),
    N_(
        "column ‘%(column)s’: minLength %(least)s is more than maxLength %(most)s; "
        "no text could meet both"
    ),
    N_("a dataset function makes ‘%(dataset)s’; give the delivered dataset another name"),
)

WANTED = sayings(
    N_("text"),
    N_("true or false"),
    N_("a number"),
    N_("a whole number"),
    N_("a list, each item after a dash"),
    N_("keys and values, as in ‘name: height’"),
)
"""What may stand in a field, as a mistake names it."""
