"""Why a read is refused, as the policy says it."""

from cityloom.web.kernel_words.sayings import N_, sayings

DECISIONS = sayings(
    N_("personal data is not shown where nobody has signed in"),
    N_("sensitive data is not shown where nobody has signed in"),
)
