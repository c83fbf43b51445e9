"""``cityloom ledger``"""

from dataclasses import asdict
from typing import Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, open_city, print_facts
from cityloom.counts import counted
from cityloom.errors import visible

COLUMNS = ("number", "at", "principal", "kind", "dataset", "purpose", "granted", "rows", "reason")


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(help="The record of who read what, and why.", no_args_is_help=True)
    group.command("verify")(verify)
    group.command("search")(search)
    group.command("publish")(publish)
    app.add_typer(group, name="ledger")


def verify(
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="Published heads: a file, or a URL.",
            show_default="the file that city.toml names",
        ),
    ] = None,
    city: CityPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Say how many entries stand in an unbroken chain, or which line is wrong first, and how."""
    from cityloom.ledger.publish import heads_at_hand, published_heads

    opened = open_city(city)
    heads = published_heads(opened, _from_here(against)) if against else heads_at_hand(opened)
    entries, unsettled = opened.ledger.verify(heads), opened.ledger.unsettled()
    if as_json:
        facts = {"entries": entries, "published_heads": len(heads), "unsettled": unsettled}
        print_facts([facts], (), as_json)
        return
    chain = counted(entries, "entry", "entries")
    typer.echo(f"✓ {chain} in an unbroken chain{_agree(len(heads))}.")
    if unsettled:
        typer.echo(f"! Entry {unsettled} is newer than ledger.head; see: cityloom check")


def search(
    principal: Annotated[str | None, typer.Option("--principal", help="Who asked.")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Of which dataset.")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="For which purpose.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="From this date, or date and time (UTC), on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Up to the end of this date, or to this time.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Of which kind, such as read or delay.")
    ] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many entries at most.")] = 100,
    city: CityPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Find entries, newest first."""
    from cityloom.ledger import Query
    from cityloom.ledger.search import moment

    query = Query(
        principal=principal,
        dataset=dataset,
        purpose=purpose,
        since=moment(since) if since else None,
        until=moment(until, end=True) if until else None,
        kind=kind,
        refused=refused,
    )
    found = [asdict(entry) for entry in open_city(city).ledger.search(query, limit)]
    if not found and not as_json:
        typer.echo("Nothing is found.")
        return
    print_facts(found, COLUMNS, as_json)


def publish(city: CityPath = HERE, as_json: AsJson = False) -> None:
    """Publish the number and the hash of the newest entry where city.toml says."""
    from cityloom.ledger.publish import publish as publish_head

    opened = open_city(city)
    published = publish_head(opened)
    if as_json:
        print_facts([asdict(published)], (), as_json)
    else:
        typer.echo(visible(f"✓ The head of entry {published.number:,} is published."))


def _from_here(against: str) -> str:
    """A URL, or the path of a file below the current folder."""
    from pathlib import Path

    from cityloom.sources.urls import is_url

    return against if is_url(against) else str(Path(against).resolve())


def _agree(heads: int) -> str:
    said = counted(heads, "published head agrees", "published heads agree")
    return f"; {said}" if heads else ""
