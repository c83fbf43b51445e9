"""``cityloom explain-access``"""

from dataclasses import asdict
from typing import Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, Purpose, open_city, print_facts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain-access")(explain_access)


def explain_access(
    person: Annotated[str, typer.Argument(help="Who would read.")],
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    purpose: Purpose = None,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="A role that they have; repeatable.")
    ] = None,
    attribute: Annotated[
        list[str] | None,
        typer.Option("--attribute", help="What is said of them, as district=福田; repeatable."),
    ] = None,
    city: CityPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Say what a person would see of a dataset, and by which line of which policy.

    The person is one of the city's accounts, unless roles or attributes are given. Nothing is read,
    and nothing is written to the ledger.
    """
    import json

    from cityloom.policy import Principal
    from cityloom.policy.explain import explained
    from cityloom.signin.door import door_of

    opened = open_city(city)
    contract = opened.contract(dataset)
    if role or attribute:
        principal = Principal(person, True, tuple(role or ()), _attributes(attribute or []))
    else:
        principal = door_of(opened).accounts.get(person).principal
    decision = opened.may_read(dataset, principal, purpose)
    found = explained(contract, decision, opened.policies)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
        return
    if not found.granted:
        typer.echo(f"{person} may not read {dataset}: {found.reason}")
        return
    typer.echo(f"{person} may read {dataset}: {found.reason}")
    typer.echo("rows: all" if found.rows == "true" else f"rows: where {found.rows}")
    for name, place in found.policies.items():
        typer.echo(f"by {name} ({place})")
    columns = [{"column": name, "shown": shown} for name, shown in found.columns.items()]
    print_facts(columns, ["column", "shown"], as_json=False)


def _attributes(stated: list[str]) -> dict[str, str]:
    """What is said of a person, by name.

    Raises:
        UsageError: one is not written as ``name=value``.
    """
    from cityloom.errors import UsageError
    from cityloom.policy.schema import ATTRIBUTES

    pairs = [text.partition("=") for text in stated]
    for name, sign, _ in pairs:
        if not sign or name not in ATTRIBUTES:
            known = ", ".join(ATTRIBUTES)
            raise UsageError(
                f"--attribute {name}: expected NAME=VALUE, and the name one of {known}"
            )
    return {name: value for name, _, value in pairs}
