"""The command line: one command a file, its docstring its help."""

import sys

import typer

from cityloom.errors import UsageError, faults_in_words, visible

COMMANDS = (
    "new", "receive", "weave", "serve", "check", "datasets", "show", "runs", "quarantine",
    "export", "contract", "erase",
)  # fmt: skip

INTERRUPTED = 130
"""The exit status after Ctrl+C."""


def main() -> None:
    """Run the command line.

    A :class:`UsageError`, and what storage fails with, is shown in words, without a stack trace.
    """
    try:
        with faults_in_words():
            _app()(standalone_mode=True)
    except UsageError as error:
        from rich.console import Console
        from rich.markup import escape

        console = Console(stderr=True, emoji=False, highlight=False)
        console.print(f"[red]✗[/red] {escape(visible(str(error)))}", soft_wrap=True)
        sys.exit(1)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            typer.echo("Stopped. What was committed is whole; the same command goes on.", err=True)
        raise


def _app() -> typer.Typer:
    from importlib import import_module

    app = typer.Typer(
        help="Weave a city's separate systems into one.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    for name in COMMANDS:
        import_module(f"cityloom.cli.{name}").register(app)
    return app
