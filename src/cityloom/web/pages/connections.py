"""What a city's datasets are made from and checked against, as drawings and as rows."""

from collections.abc import Iterable
from urllib.parse import urlencode

from markupsafe import Markup

from cityloom.contract import Contract
from cityloom.web.desk import Look
from cityloom.web.drawing import Edge, Node, lineage
from cityloom.web.languages import Language
from cityloom.web.words import name_of


def made_from(look: Look) -> list[Edge]:
    """Which dataset is made from which."""
    return [
        Edge(source, target)
        for function in look.city.functions
        for target in function.outputs
        for source in function.inputs
    ]


def checked_against(look: Look) -> list[Edge]:
    """Which dataset's rows must exist in which other: from what is referred to, to what refers."""
    found = [
        Edge(column.reference.dataset, contract.dataset, "checked")
        for contract in look.contracts.values()
        for column in contract.references
        if column.reference and column.reference.dataset in look.contracts
    ]
    return [edge for edge in dict.fromkeys(found) if edge.source != edge.target]


def upstream(edges: Iterable[Edge], dataset: str) -> list[str]:
    """Everything that a dataset is made from, nearest first."""
    return _reached(dataset, [(edge.target, edge.source) for edge in edges])


def downstream(edges: Iterable[Edge], dataset: str) -> list[str]:
    """Everything that is made from a dataset, nearest first."""
    return _reached(dataset, [(edge.source, edge.target) for edge in edges])


def city_drawing(look: Look, language: Language) -> Markup:
    """The whole city: departments, what they deliver, and what is made of it."""
    edges = made_from(look)
    nodes = [_node(contract, look, language) for contract in look.contracts.values()]
    for contract in look.city.received.values():
        owner = owner_node(contract.owner, language)
        nodes.append(owner)
        edges.append(Edge(owner.name, contract.dataset))
    label = language.gettext("Lineage of the whole city")
    return lineage(list(dict.fromkeys(nodes)), edges, label)


def dataset_drawing(look: Look, dataset: str, language: Language) -> Markup:
    """One dataset with all that it is made from, all that is made of it, and its checks."""
    made = made_from(look)
    flow = {dataset, *upstream(made, dataset), *downstream(made, dataset)}
    edges = [edge for edge in made if edge.source in flow and edge.target in flow]
    for edge in checked_against(look):
        if dataset in (edge.source, edge.target) and not _closes_ring(edge, edges):
            edges.append(edge)
    names = flow.union(*((edge.source, edge.target) for edge in edges))
    nodes = [_node(look.contracts[name], look, language, dataset) for name in sorted(names)]
    if dataset in look.city.received:
        nodes.append(owner_node(look.contracts[dataset].owner, language))
        edges.append(Edge(nodes[-1].name, dataset))
    return lineage(nodes, edges, language.gettext("Lineage of %(dataset)s", dataset=dataset))


def _closes_ring(edge: Edge, edges: list[Edge]) -> bool:
    """Whether two datasets are connected already, either way round."""
    flows_back = edge.source in downstream(edges, edge.target)
    return flows_back or Edge(edge.source, edge.target) in edges


def owner_node(owner: str, language: Language) -> Node:
    """Who delivers, as a node; it leads to the catalogue of what is theirs."""
    if not owner:
        return Node("owner", language.gettext("no owner named"), "owner")
    return Node(f"owner {owner}", owner, "owner", f"/datasets?{urlencode({'owner': owner})}")


def _node(contract: Contract, look: Look, language: Language, current: str = "") -> Node:
    kind = look.facts[contract.dataset].kind
    label = name_of(contract, language)
    other = contract.dataset if language.is_chinese else contract.title
    if contract.dataset == current:
        return Node(contract.dataset, label, f"{kind} current", None, other)
    return Node(contract.dataset, label, kind, f"/datasets/{contract.dataset}/lineage", other)


def _reached(start: str, steps: list[tuple[str, str]]) -> list[str]:
    found: list[str] = []
    pending = [start]
    while pending:
        here = pending.pop(0)
        new = [there for origin, there in steps if origin == here and there not in found]
        found += [name for name in dict.fromkeys(new) if name != start]
        pending += new
    return list(dict.fromkeys(found))
