"""What is wrong with a city, and its mend, as the check says it."""

from cityloom.web.kernel_words.sayings import N_, sayings

_HERE = r"(?P<file>.+) line (?P<line>\d+): "
_ENTRIES = r"(?:entry \d+ was|entries \d+ to \d+ were)"
_PUBLISHED = r"the head published (?P<moment>\S+)"
_CONTRACT = r"(?P<file>contracts/.+?\.yaml)"

FINDINGS = sayings(
    N_("%(dataset)s: nothing has come for %(span)s; expected every %(often)s"),
    N_("%(dataset)s: nothing has come yet; expected every %(often)s"),
    N_("put its files into %(folder)s and weave"),
    N_("%(dataset)s: %(source)s could not be received: %(why)s"),
    (
        r"(?P<dataset>\w+) could not be replayed: (?P<why>.+)",
        N_("%(dataset)s: refused rows could not be replayed: %(why)s"),
    ),
    N_("%(dataset)s could not be made: %(why)s"),
    N_("%(dataset)s keeps rows past retention: %(why)s"),
    N_("%(dataset)s has no map tiles: %(why)s"),
    N_("%(dataset)s lacks columns that are filled: %(why)s"),
    N_("mend what is said and weave again"),
    N_("mend the file or the contract and weave again"),
    N_("mend the contract and weave again"),
    N_("mend the function or what it reads and weave again"),
    (
        rf"{_CONTRACT} still has (?P<doubts>\d+) open doubts?",
        N_("%(file)s still has open doubts: %(doubts)s"),
    ),
    N_("settle and remove each line that begins with ‘# doubt:’, then set the status to active"),
    (rf"{_CONTRACT} is still a draft", N_("%(file)s is still a draft")),
    N_("set its status to active once its owner agrees"),
    (rf"{_CONTRACT}: (?P<why>.+)", N_("%(file)s cannot be used: %(why)s")),
    N_("mend it, or take it out of contracts/; until then its dataset stays as it is"),
    N_("%(file)s is not read: contracts are named <dataset>.odcs.yaml"),
    N_("rename it to %(file)s, or take it out of contracts/"),
    N_("%(dataset)s refers to %(target)s, whose contract cannot be used"),
    N_("mend that contract; until then nothing is received for %(dataset)s"),
    N_("%(dataset)s is made of %(target)s, whose contract cannot be used"),
    N_("mend that contract; until then %(dataset)s is not made again"),
    N_("%(column)s refers to %(target)s, which this city lacks"),
    (
        r"(?P<column>[\w.]+) refers to (?P<target>[\w.]+): no such column",
        N_("%(column)s refers to %(target)s, which is no column"),
    ),
    N_("%(column)s and %(target)s are not of one type"),
    N_("add a contract for ‘%(dataset)s’; until then its rows wait in quarantine"),
    N_("mend the relationship in %(file)s"),
    N_("give both the same logicalType, in %(file)s or %(other)s"),
    N_("%(entry)s belongs to no dataset"),
    (
        r"put a contract named (?P<file>.+?\.yaml) into contracts/ .+",
        N_("put a contract named %(file)s into contracts/, or rename it"),
    ),
    N_("lake/%(dataset)s holds rows that no contract claims"),
    N_(
        "put its contract back (to erase a subject from it, too), or, if the dataset is given up, "
        "remove lake/%(dataset)s and lake/_quarantine/%(dataset)s"
    ),
    N_("%(files)s: the contract of %(dataset)s does not look there, its path is %(path)s"),
    N_(
        "write ‘path: inbox/%(dataset)s’ in %(file)s to receive what lies in inbox/%(dataset)s/ "
        "and in inbox/%(dataset)s.*, or move the files"
    ),
    N_("source %(source)s feeds ‘%(dataset)s’, which is no dataset that is delivered"),
    N_("put %(file)s there, or mend city.toml"),
    N_("source %(source)s of %(dataset)s fails; ‘cityloom check’ says with what"),
    N_("mend it, then run: %(command)s"),
    N_("source %(source)s of %(dataset)s was never pulled"),
    N_("source %(source)s of %(dataset)s was last pulled %(span)s ago"),
    N_("see that the timer of ‘cityloom pull’ runs, or run: %(command)s"),
    N_("scratch/ holds what an interrupted run left: %(files)s"),
    N_("the next weave clears it"),
    N_("ask its owner, %(owner)s"),
    N_("find out who owns it"),
    N_("DuckDB is %(found)s; its extension packages are built for %(wanted)s"),
    (r"pip install (?P<package>\S+)", N_("install it: pip install %(package)s")),
    (_HERE + "not a ledger entry", N_("%(file)s line %(line)s is not a ledger entry")),
    (
        _HERE + "the chain is broken; .+",
        N_(
            "%(file)s line %(line)s: the chain is broken; a line before it was changed or taken out"
        ),
    ),
    N_("%(file)s line %(line)s: this entry was changed or put in"),
    (
        _HERE + _ENTRIES + " taken out before it",
        N_("%(file)s line %(line)s: entries were taken out before it"),
    ),
    N_(
        "%(file)s line %(line)s: entry %(found)s stands here, where %(wanted)s should: it was put "
        "in, moved or written twice"
    ),
    (
        _HERE + r"not the entry that ledger\.head is of: .+",
        N_(
            "%(file)s line %(line)s: not the entry that ledger.head is of: it was changed, or "
            "written anew with others before it"
        ),
    ),
    (
        _HERE + rf"not the entry that {_PUBLISHED} is of: .+",
        N_(
            "%(file)s line %(line)s: not the entry that the head published at %(moment)s is of: it "
            "was changed, or written anew with others before it"
        ),
    ),
    (
        _HERE + _ENTRIES + r" cut off here; ledger\.head is of entry (?P<n>\d+)",
        N_(
            "%(file)s line %(line)s: entries were cut off here; ledger.head is of entry number "
            "%(n)s"
        ),
    ),
    (
        _HERE + _ENTRIES + rf" cut off here; {_PUBLISHED} is of entry (?P<n>\d+)",
        N_(
            "%(file)s line %(line)s: entries were cut off here; the head published at %(moment)s "
            "is of entry number %(n)s"
        ),
    ),
    (
        _HERE + _ENTRIES + r" put in; ledger\.head is of entry (?P<n>\d+)",
        N_(
            "%(file)s line %(line)s: entries were put in here; ledger.head is of entry number %(n)s"
        ),
    ),
    N_("ledger.head is missing or damaged; nothing tells where %(file)s ended"),
    N_("%(file)s line %(line)s: not a published head"),
    N_("%(file)s: no published head of the city ‘%(city)s’"),
    N_(
        "%(file)s line %(line)s: newer than ledger.head; what wrote it came to no end, or it was "
        "put in by hand"
    ),
    N_("see whether that read was asked for; the next read settles it"),
    N_("the ledger's head was never published"),
    N_("the ledger's head was last published at %(moment)s"),
    N_("publish it: cityloom ledger publish"),
    N_("compare the ledger with the last copy kept elsewhere"),
    N_("no backup was ever made"),
    N_("the last backup is %(days)s days old, of %(moment)s"),
    N_("make one: cityloom backup"),
    N_("the lake is empty, but the log of runs knows datasets in it: %(n)s"),
    N_(
        "Mount the disk that the lake is on, or put the lake back from a backup. If it was given "
        "up on purpose, make a new city with ‘cityloom new’ from the contracts and the inbox of "
        "this one"
    ),
)
