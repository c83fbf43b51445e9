"""Why a question is not answered."""

from cityloom.web.kernel_words.sayings import N_, sayings

QUESTIONS = sayings(
    N_("no dataset ‘%(name)s’ in this city"),
    N_("one statement at a time: a single SELECT"),
    N_("only a SELECT can be asked: nothing can be changed, copied or set"),
    N_("the function ‘%(name)s’ cannot be used in a query"),
    N_("‘%(name)s’ cannot be asked; ask datasets by their names"),
    N_("the query took longer than %(n)s seconds; ask for fewer rows"),
    N_("the query needs more than %(size)s of memory; ask for fewer rows"),
)
