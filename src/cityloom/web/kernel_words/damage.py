"""What is damaged or missing in the lake, and its mend, as whoever finds it says it."""

from cityloom.web.kernel_words.sayings import N_, sayings

DAMAGE = sayings(
    N_("%(dataset)s: its log in %(folder)s lacks the entry of version %(values)s"),
    N_("%(dataset)s: the log of runs knows version %(version)s, but %(folder)s has nothing"),
    N_("%(dataset)s: the log of runs knows version %(version)s, but %(folder)s has version %(n)s"),
    N_("%(dataset)s: the data file %(file)s is missing"),
    N_("%(dataset)s: the data file %(file)s is damaged"),
    N_("%(dataset)s: the data file %(file)s is damaged (%(said)s)"),
    N_("%(dataset)s: the data file %(file)s is damaged: %(found)s bytes instead of %(size)s"),
    N_("%(dataset)s at version %(version)s cannot be opened: %(said)s"),
    N_("%(dataset)s cannot be opened: %(said)s"),
    N_(
        "Put what is damaged or missing back from a copy of the city. Without one, move "
        "lake/%(dataset)s and lake/_quarantine/%(dataset)s, as far as they are there, out of the "
        "city, weave, and receive again what did not come from the inbox"
    ),
)

HARMED = sayings((r"(?P<harm>.+?)\. (?P<mend>Put what .+)", N_("%(harm)s. %(mend)s")))
"""What is damaged and its mend, in one message."""
