"""Why somebody could not sign in, or could not change something of their account."""

from cityloom.web.kernel_words.sayings import N_, sayings

SIGNIN = sayings(
    N_("a password has %(least)s to %(most)s characters; choose another"),
    N_("the password is little more than the name; choose another"),
    N_("wait %(n)s seconds and try again"),
    N_("a token needs a dataset that it reads, as in read:tree or read:zone_*"),
    N_(
        "‘%(scope)s’ is no scope; expected read:DATASET, where * and ? stand for signs, "
        "or purpose:NAME"
    ),
    N_("a token lasts 1 to %(most)s days, not %(days)s"),
    N_("%(issuer)s does not answer as it should"),
    N_("what came back from %(issuer)s is not believed"),
    N_("this was sent from another site; nothing was changed"),
    N_("this page is too old; open it again and repeat what you did"),
    N_("this token is not known, or has expired"),
    N_("this token is not for %(dataset)s; its scopes name others"),
)
"""Sentences of the kernel, each known by its shape and with the message that says it again."""
