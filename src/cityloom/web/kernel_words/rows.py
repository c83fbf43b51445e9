"""Why rows are refused, as contracts and readers say it."""

from cityloom.web.kernel_words.sayings import N_, sayings

REASONS = sayings(
    N_("missing"),
    N_("not one of %(values)s"),
    N_("does not match %(pattern)s"),
    N_("shorter than %(n)s characters"),
    N_("longer than %(n)s characters"),
    N_("not more than %(edge)s"),
    N_("not less than %(edge)s"),
    N_("less than %(edge)s"),
    N_("more than %(edge)s"),
    (r"not a (date|timestamp); expected (?P<form>.+)", N_("not a date; expected %(form)s")),
    (r"not a time(?: of day)?; expected (?P<form>.+)", N_("not a time; expected %(form)s")),
    N_("not a time with its offset from UTC; expected %(form)s"),
    (r"not a whole number within 64 bits", N_("not a whole number")),
    (r"not a number; expected .+", N_("not a number")),
    N_("not a number of at most %(whole)s digits before and %(scale)s after the point"),
    (r"not true or false; expected one of (?P<values>.+)", N_("not one of %(values)s")),
    N_("not (yet) in %(target)s"),
    N_("comes more than once in this delivery with different values"),
    N_("held already by a row of another delivery with different values"),
    (r"not a geometry; expected .+", N_("not a geometry")),
    (
        r"not a valid geometry \(OGC Simple Features\): its edges cross or repeat",
        N_("not a valid geometry: its edges cross or repeat"),
    ),
    N_("outside the bounds %(edges)s"),
    N_("no place on the Earth (%(crs)s), so it lies in no H3 cell"),
    N_("not a %(kind)s"),
    N_("%(found)s fields where the header names %(named)s"),
    N_("not a JSON object"),
    N_("not a GeoJSON Feature"),
    N_("not JSON: %(why)s"),
)
