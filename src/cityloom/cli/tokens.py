"""``cityloom users tokens``"""

from dataclasses import asdict
from typing import Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, open_city, print_facts

COLUMNS = ("id", "account", "title", "scopes", "created", "expires", "used", "revoked")


def register(users: typer.Typer) -> None:
    """Add the commands below those about users."""
    group = typer.Typer(help="Let programs read in a user's name.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_all)
    group.command("revoke")(revoke)
    users.add_typer(group, name="tokens")


def add(
    name: Annotated[str, typer.Argument(help="The account in whose name it reads.")],
    scope: Annotated[
        list[str],
        typer.Option("--scope", help="read:DATASET (with * and ?) or purpose:NAME; repeatable."),
    ],
    title: Annotated[str, typer.Option("--title", help="What the token is for.")] = "",
    days: Annotated[int, typer.Option("--days", min=1, help="How long it lasts.")] = 90,
    city: CityPath = HERE,
) -> None:
    """Make a token and print it; it is shown this once."""
    from cityloom.signin.door import door_of

    door = door_of(open_city(city))
    account = door.accounts.get(name)
    typer.echo(door.tokens.add(account.name, title, scope, days))


def list_all(
    name: Annotated[str | None, typer.Argument(help="Only tokens of this account.")] = None,
    city: CityPath = HERE,
    as_json: AsJson = False,
) -> None:
    """List tokens, the newest first."""
    from cityloom.signin.door import door_of

    door = door_of(open_city(city))
    account = door.accounts.get(name).name if name else None
    found = [asdict(token) for token in door.tokens.of(account)]
    if not as_json:
        found = [{**token, "scopes": ", ".join(token["scopes"])} for token in found]
    print_facts(found, COLUMNS, as_json)


def revoke(
    token: Annotated[str, typer.Argument(help="The token's id, as it is listed.")],
    city: CityPath = HERE,
) -> None:
    """Let a token open nothing any more."""
    from cityloom.signin.door import door_of

    door_of(open_city(city)).tokens.revoke(token)
    typer.echo(f"Revoked {token}.")
