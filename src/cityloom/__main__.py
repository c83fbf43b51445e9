"""``python -m cityloom`` is the command line."""

from cityloom.cli import main

main()
