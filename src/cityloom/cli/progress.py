"""Progress on a terminal as bars, elsewhere as plain lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cityloom.cli.runs import outcome
from cityloom.errors import visible
from cityloom.plan import Step
from cityloom.runs import TILE, Run


@contextmanager
def bar(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar to report to: what is being done, how much is done, and of how much."""
    console = Console(stderr=True, emoji=False, highlight=False)
    if not console.is_terminal:
        console.print(title)
        yield lambda what, done, total: None
        return
    with _bars(console) as progress:
        task = progress.add_task(title, total=None)
        yield lambda what, done, total: progress.update(
            task, description=f"{title}: {what}", completed=done, total=total
        )


@contextmanager
def steps() -> Iterator[Callable[[Step, int, int, Run | None], None]]:
    """Report the steps of a weave: one line for each that is done, a bar for the whole."""
    console = Console(stderr=True, emoji=False, highlight=False)
    if not console.is_terminal:
        yield lambda step, done, total, run: _line(console, step, run) if run else None
        return
    with _bars(console) as progress:
        task = progress.add_task("Weaving", total=None)

        def report(step: Step, done: int, total: int, run: Run | None) -> None:
            if run:
                _line(progress.console, step, run)
            progress.update(task, description=step.subject, completed=done, total=total)

        yield report


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _line(console: Console, step: Step, run: Run) -> None:
    if run.failed:
        error = escape(visible(f"{run.dataset} ← {run.source}: {run.error}"))
        console.print(f"[red]✗[/red] {step.kind} {error}", soft_wrap=True)
        return
    refused = f", {run.rows_quarantined:,} quarantined" if run.rows_quarantined else ""
    copies = f", {run.rows_duplicate:,} duplicate" if run.rows_duplicate else ""
    sources = run.source.replace("\n", ", ")
    source = f" ← {sources}" if sources and sources != run.dataset else ""
    did = f"{run.rows_kept:,} kept{refused}{copies}" if run.taken_out is None else outcome(run)
    notes = run.notes
    if run.kind == TILE:
        did, *notes = notes
    console.print(
        f"[green]✓[/green] {run.kind} {run.dataset}{escape(source)}: "
        f"{did} [dim]{run.seconds:.1f} s · {step.why}[/dim]",
        soft_wrap=True,
    )
    for note in notes:
        console.print(f"  [yellow]![/yellow] {escape(note)}", soft_wrap=True)
