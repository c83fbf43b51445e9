"""The command line: one command a file, its docstring its help."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

COMMANDS = (
    "new", "pull", "receive", "weave", "serve", "check", "datasets", "show", "runs", "quarantine",
    "query", "export", "release", "ledger", "contract", "users", "explain-access", "erase",
    "backup", "backups", "restore", "upgrade",
)  # fmt: skip

INTERRUPTED = 130
"""The exit status after Ctrl+C."""

_STOPPED = "Stopped. What was committed is whole; the same command goes on."


class Stopped(Exception):
    """Ctrl+C came; the message says what is left in what state, and what to do."""


@contextmanager
def stopping(words: Callable[[], str]) -> Iterator[None]:
    """Say in a command's own words what Ctrl+C inside the block leaves.

    Raises:
        Stopped: Ctrl+C came.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped(words()) from None


def main() -> None:
    """Run the command line.

    What a person can mend, and what storage fails with, is shown in words, without a stack trace;
    so is Ctrl+C, at whatever moment it comes.
    """
    try:
        _escape_what_cannot_be_written()
        _run()
    except Stopped as stopped:
        _end(str(stopped))
    except KeyboardInterrupt:
        _end(_STOPPED)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _end(_STOPPED)
        raise


def _run() -> None:
    from cityloom.errors import UsageError, faults_in_words, visible

    try:
        with faults_in_words():
            _app()(standalone_mode=True)
    except UsageError as error:
        from rich.console import Console
        from rich.markup import escape

        console = Console(stderr=True, emoji=False, highlight=False)
        console.print(f"[red]✗[/red] {escape(visible(str(error)))}", soft_wrap=True)
        sys.exit(1)


def _end(words: str) -> None:
    print(words, file=sys.stderr)
    sys.exit(INTERRUPTED)


def _escape_what_cannot_be_written() -> None:
    """Write out what an encoding lacks as its code, on standard output as on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


def _app() -> "typer.Typer":
    from importlib import import_module

    import typer

    app = typer.Typer(
        help="Weave a city's separate systems into one.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    for name in COMMANDS:
        import_module(f"cityloom.cli.{name.replace('-', '_')}").register(app)
    return app
