"""Why a read is refused, as the policy says it."""

from cityloom.web.kernel_words.sayings import N_, sayings

DECISIONS = sayings(
    N_("personal data is not shown where nobody has signed in"),
    N_("sensitive data is not shown where nobody has signed in"),
    N_("the contract of ‘%(dataset)s’ states no purpose"),
    N_("personal data needs a purpose; permitted are %(values)s"),
    N_("sensitive data needs a purpose; permitted are %(values)s"),
    N_("purpose ‘%(purpose)s’ is not permitted; permitted are %(values)s"),
    (
        r"no policy lets (?P<roles>.+) read this (?:public|internal|personal|sensitive) data",
        N_("no policy lets %(roles)s read this data"),
    ),
    N_("what was refused is for those alone who may read the whole dataset"),
)
"""Of refusals; see :func:`cityloom.policy.decision.refused`."""
