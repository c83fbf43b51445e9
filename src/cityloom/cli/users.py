"""``cityloom users``"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cityloom.cli import tokens
from cityloom.cli.options import HERE, AsJson, CityPath, open_city, print_facts
from cityloom.errors import UsageError
from cityloom.signin.roles import Role

if TYPE_CHECKING:
    from cityloom.signin.accounts import Account, Accounts

COLUMNS = ("name", "full_name", "roles", "attributes", "origin", "disabled", "created")

Name = Annotated[str, typer.Argument(help="The account's name.")]
Roles = Annotated[list[Role] | None, typer.Option("--role", help="A role; as often as needed.")]
Attributes = Annotated[
    list[str] | None,
    typer.Option("--attribute", help="What policies may ask for, as in district=north."),
]
FullName = Annotated[str | None, typer.Option("--full-name", help="What the person is called.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Say who may sign in.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_all)
    group.command("change")(change)
    group.command("disable")(disable)
    group.command("enable")(enable)
    tokens.register(group)
    app.add_typer(group, name="users")


def add(
    name: Name,
    role: Roles = None,
    attribute: Attributes = None,
    full_name: FullName = None,
    password_stdin: FromStdin = False,
    city: CityPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Make an account; its password is asked for twice."""
    accounts = _accounts(city)
    password = _password(password_stdin)
    made = accounts.add(name, password, role or (), _pairs(attribute), full_name or "")
    _tell(made, f"Made the account '{made.name}'", accounts, as_json)


def list_all(city: CityPath = HERE, as_json: AsJson = False) -> None:
    """List all accounts."""
    found = _accounts(city).all()
    if as_json:
        print_facts([asdict(account) for account in found], COLUMNS, as_json)
        return
    print_facts([_listed(account) for account in found], COLUMNS, as_json)


def change(
    name: Name,
    role: Roles = None,
    attribute: Attributes = None,
    full_name: FullName = None,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for another password, twice.")
    ] = False,
    password_stdin: FromStdin = False,
    city: CityPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Change an account; what is said takes the place of what was, what is not said stays."""
    accounts = _accounts(city)
    accounts.get(name)
    if password or password_stdin:
        accounts.set_password(name, _password(password_stdin))
    attributes = None if attribute is None else _pairs(attribute)
    changed = accounts.change(name, role, attributes, full_name)
    _tell(changed, f"Changed the account '{changed.name}'", accounts, as_json)


def disable(name: Name, city: CityPath = HERE) -> None:
    """Let nobody sign in to an account; its sessions end, and its tokens open nothing."""
    accounts = _accounts(city)
    accounts.disable(name)
    _tell(accounts.get(name), f"Disabled the account '{name}'", accounts, False)


def enable(name: Name, city: CityPath = HERE) -> None:
    """Let an account be signed in to again."""
    accounts = _accounts(city)
    accounts.enable(name)
    _tell(accounts.get(name), f"Enabled the account '{name}'", accounts, False)


def _accounts(city: Any) -> "Accounts":
    from cityloom.signin.door import door_of

    return door_of(open_city(city)).accounts


def _password(from_stdin: bool) -> str:
    import sys

    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _pairs(stated: list[str] | None) -> dict[str, str]:
    pairs = {}
    for text in stated or ():
        key, sign, value = text.partition("=")
        if not sign or not value:
            raise UsageError(f"--attribute {text}: expected a name and a value, as district=north")
        pairs[key] = value
    return pairs


def _tell(account: "Account", what: str, accounts: "Accounts", as_json: bool) -> None:
    if as_json:
        print_facts([asdict(account)], COLUMNS, as_json)
    else:
        typer.echo(f"{what}: {', '.join(account.roles)}.")
    if not accounts.has_administrator():
        typer.echo("! There is no administrator yet: give somebody --role administrator.", err=True)


def _listed(account: "Account") -> dict[str, Any]:
    pairs = (f"{key}={value}" for key, value in account.attributes.items())
    said = {"roles": ", ".join(account.roles), "attributes": ", ".join(pairs)}
    return {**asdict(account), **said}
