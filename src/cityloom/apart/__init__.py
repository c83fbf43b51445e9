"""Files whose parsers are large and not ours, read in a process of their own.

What is in this package runs in the child alone and imports nothing of the rest, to start quickly;
``readers/apart.py`` starts it. A file that crashes its parser, or makes it ask for too much, costs
the child and no more.
"""


class Refused(Exception):
    """A file that cannot be read as a whole; ``discreet`` says it without what the file holds."""

    def __init__(self, message: str, discreet: str = "") -> None:
        super().__init__(message)
        self.discreet = discreet or message


REFUSED = 3
"""The exit status of a child that refused its file; its words are JSON on standard error."""

OUT_OF_MEMORY = 4
"""The exit status of a child that ran out of the memory it may have."""

MEMORY = 4 << 30
"""Bytes of address space that a child may have."""

PROCESSOR = 30 * 60
"""Seconds of processor time that a child may take."""

WRONG = "_wrong"
"""The column of a batch that says what is wrong with a row; null where nothing is."""
