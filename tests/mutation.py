"""Mutation testing: small faults are put into the code, and its tests should notice each.

Run it with ``make mutation``, or for some parts and with a seed of your own::

    python -m tests.mutation --parts lake derive --sample 40 --seed 7

A random sample of cosmic-ray's mutations of each part, one a place in the code, is tried in a copy
of the work tree against the tests that belong to the file. A mutant that fails them, crashes or
hangs is killed; each that survives is printed. The exit status is 1 where fewer than 80 % of a
part's sample are killed.

``make mutation-sample`` is for every change: one small sample of all parts together, chosen by the
commit, that must not fail by chance::

    python -m tests.mutation --pooled 36 --seed "$(git rev-parse HEAD)"

It fails where fewer are killed than would be once in a thousand times if 80 % of all mutants were.
Of 36 that is fewer than 21: the chance of it is 1 in 1298 at a true score of 80 %, and less above.
Tests that kill half of all mutants fail 4 times of 5, those that kill 40 % fail 49 of 50. Here a
mutant whose tests take longer than 100 seconds is undecided, and counts as one that survives.

Left out is what cannot matter: mutants that do not compile, and those that change annotations,
docstrings, the bodies of protocols, ``if TYPE_CHECKING``, ``if __name__``, ``frozen=True`` or how
many results a cache remembers (``maxsize``).
"""

import argparse
import ast
import os
import random
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from compileall import compile_dir
from concurrent.futures import Executor, ProcessPoolExecutor
from itertools import accumulate, chain, islice, repeat
from math import comb
from multiprocessing import Queue
from pathlib import Path
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_and_test, mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.work_item import MutationSpec

ROOT = Path(__file__).parent.parent
NEEDED = ("src", "tests", "benchmarks", "examples", "docs", "pyproject.toml")
SOURCE = Path("src/cityloom")
SECONDS, SECONDS_POOLED = 300, 100
ENOUGH, BY_CHANCE = 0.8, 0.001
UNSHRUNK = """
from hypothesis import Phase, settings

settings.register_profile("unshrunk", settings.default, phases=[Phase.explicit, Phase.generate])
settings.load_profile("unshrunk")
"""
"""A pytest plugin: a property that fails is not made small, which takes longest of all."""

Part = Mapping[str, tuple[str, ...]]

PARTS: dict[str, Part] = {
    "contract": {
        "contract/changes.py": ("contract/test_changes.py",),
        "contract/check.py": (
            "contract/test_geometries.py",
            "contract/test_split.py",
            "contract/test_rules.py",
            "test_derive.py",
        ),
        "contract/columns.py": ("contract/test_odcs.py", "contract/test_rules.py"),
        "contract/conditions.py": ("contract/test_conditions.py", "contract/test_rules.py"),
        "contract/custom.py": ("contract/test_odcs.py",),
        "contract/draft/": (
            "contract/test_draft_guesses.py",
            "contract/test_draft_columns.py",
            "contract/test_draft_files.py",
            "contract/test_draft.py",
        ),
        "contract/forms.py": (
            "contract/test_stated.py",
            "contract/test_odcs.py",
            "contract/test_forms.py",
            "contract/test_split.py",
        ),
        "contract/geometries.py": ("contract/test_geometries.py", "contract/test_rules.py"),
        "contract/asker.py": ("contract/test_rules.py", "contract/test_split.py"),
        "contract/glance.py": ("contract/test_glance.py",),
        "contract/judge.py": ("contract/test_ways.py", "contract/test_split.py"),
        "contract/kernels.py": ("contract/test_glance.py",),
        "contract/model.py": (
            "contract/test_stated.py",
            "contract/test_odcs.py",
            "contract/test_split.py",
        ),
        "contract/odcs.py": ("contract/test_odcs.py",),
        "contract/once.py": ("contract/test_odcs.py",),
        "contract/patterns.py": ("contract/test_patterns.py",),
        "contract/queries.py": (
            "contract/test_ways.py",
            "contract/test_stated.py",
            "contract/test_geometries.py",
            "contract/test_split.py",
            "contract/test_rules.py",
        ),
        "contract/ranges.py": ("contract/test_odcs.py",),
        "contract/refusals.py": ("contract/test_refusals.py", "contract/test_content.py"),
        "contract/rules.py": (
            "contract/test_stated.py",
            "contract/test_rules.py",
            "contract/test_odcs.py",
        ),
        "contract/spelling.py": ("contract/test_spelling.py", "contract/test_odcs.py"),
        "contract/split.py": (
            "contract/test_ways.py",
            "contract/test_stated.py",
            "contract/test_split.py",
            "contract/test_rules.py",
        ),
        "contract/ways.py": ("contract/test_ways.py", "contract/test_stated.py"),
    },
    "receive": {
        "receive.py": ("test_receive.py", "faults/test_torn_commits.py"),
        "settle.py": ("test_receive.py",),
        "intake.py": ("test_receive.py", "test_runs.py"),
        "waiting.py": ("test_waiting.py",),
    },
    "lake": {"lake.py": ("test_lake.py", "faults/test_torn_commits.py")},
    "derive": {
        "derive.py": ("test_derive.py",),
        "graph.py": ("test_graph.py", "test_derive.py"),
    },
}
"""The files of each part, and the tests that belong to each: the likeliest to fail come first."""


def main() -> int:
    """Try a sample of each part's mutants; 1 where too many survive."""
    asked = _arguments()
    with TemporaryDirectory(prefix="mutation-") as folder:
        copies: Queue[Path] = Queue()
        for number in range(asked.workers):
            copies.put(_copy(Path(folder, f"copy-{number}")))
        with ProcessPoolExecutor(asked.workers, initializer=_enter, initargs=(copies,)) as pool:
            if not asked.trusted:
                _see_that_tests_pass(asked.parts, pool)
            if asked.pooled:
                whole = {file: tests for part in asked.parts for file, tests in PARTS[part].items()}
                killed, tried = _killed("all", whole, asked.pooled, asked.seed, pool, pooled=True)
                return int(killed < least_killed(tried))
            counts = [_killed(p, PARTS[p], asked.sample, asked.seed, pool) for p in asked.parts]
    return int(any(killed < ENOUGH * tried for killed, tried in counts))


def least_killed(size: int) -> int:
    """The most that can be asked of a sample that rarely fails when enough of all are killed.

    Of samples of a set of which 80 % are killed, fewer than one in a thousand fall below it.
    """
    exactly = (comb(size, n) * ENOUGH**n * (1 - ENOUGH) ** (size - n) for n in range(size + 1))
    return next(n for n, below in enumerate(accumulate(exactly)) if below >= BY_CHANCE)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--sample", type=int, default=40, help="how many mutants of each part")
    parser.add_argument("--pooled", type=int, default=0, help="or how many of all parts together")
    parser.add_argument("--seed", default="1", help="any text; it chooses the sample")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--trusted", action="store_true", help="the tests have passed just now")
    return parser.parse_args()


def _see_that_tests_pass(parts: Iterable[str], pool: Executor) -> None:
    tests = sorted({test for part in parts for tests in PARTS[part].values() for test in tests})
    found = pool.map(_survivor, [None] * len(tests), [(test,) for test in tests])
    for test, survivor in zip(tests, found, strict=True):
        if survivor is None:
            sys.exit(f"tests/{test} fails without any mutation, or takes {SECONDS} seconds")


def _killed(
    name: str, part: Part, size: int, seed: str, pool: Executor, pooled: bool = False
) -> tuple[int, int]:
    """How many of a sample are killed, and of how many; what survives is printed."""
    sample = _sample(part, size, seed)
    tests = [_tests(part, mutation.module_path) for mutation in sample]
    killed = 0
    for survivor in pool.map(_survivor, sample, tests, repeat(pooled)):
        killed += survivor is None
        print(survivor or "", end="", flush=True)
    print(f"{name}: {killed} of {len(sample)} mutants killed", flush=True)
    return killed, len(sample)


# Where mutants live


def _copy(folder: Path) -> Path:
    """A copy of the work tree, with the data beside it."""
    tree = folder / "main"
    tree.mkdir(parents=True)
    for name in NEEDED:
        copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copied(ROOT / name, tree / name)
    (tree / "unshrunk.py").write_text(UNSHRUNK)
    if (ROOT.parent / "shared").exists():
        (folder / "shared").symlink_to(ROOT.parent / "shared")
    compile_dir(tree / "src", quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return tree


def _enter(copies: "Queue[Path]") -> None:
    tree = copies.get()
    os.chdir(tree)
    os.environ |= {"PYTHONPATH": str(tree / "src"), "CI": "true"}


def _survivor(
    mutation: MutationSpec | None, tests: tuple[str, ...], pooled: bool = False
) -> str | None:
    """What a mutation changed, if the tests pass all the same."""
    paths = [f"tests/{test}" for test in tests]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "unshrunk"]
    command = [sys.executable, "-m", "pytest", *options, *paths]
    seconds = SECONDS_POOLED if pooled else SECONDS
    result = mutate_and_test([mutation] if mutation else [], shlex.join(command), seconds)
    undecided = pooled and result.output == "timeout"
    return None if result.is_killed and not undecided else f"{result.diff}\n"


# Which mutants are tried


def _sample(part: Part, size: int, seed: str) -> list[MutationSpec]:
    """Mutations of a part that matter, at places drawn at random; the same for the same seed."""
    chance = random.Random(seed)
    places: dict[object, list[MutationSpec]] = {}
    for mutation in chain.from_iterable(map(_mutations, _files(part))):
        places.setdefault((mutation.module_path, mutation.start_pos), []).append(mutation)
    drawn = (chance.choice(there) for there in chance.sample([*places.values()], len(places)))
    return list(islice(filter(_matters, drawn), size))


def _files(part: Part) -> list[Path]:
    paths = [ROOT / SOURCE / name for name in part]
    found = [path for place in paths for path in ([place] if place.is_file() else place.glob("*"))]
    return sorted(path.relative_to(ROOT) for path in found if path.suffix == ".py")


def _tests(part: Part, path: Path) -> tuple[str, ...]:
    name = path.relative_to(SOURCE).as_posix()
    return next(tests for start, tests in part.items() if name.startswith(start))


def _mutations(path: Path) -> Iterator[MutationSpec]:
    tree = get_ast_from_path(ROOT / path)
    for name in operator_names():
        if get_operator(name).arguments():
            continue
        operator = get_operator(name)()
        positions = (
            place for node in ast_nodes(tree) for place in operator.mutation_positions(node)
        )
        for occurrence, (start, end) in enumerate(positions):
            yield MutationSpec(path, name, occurrence, start, end)


def _matters(mutation: MutationSpec) -> bool:
    source = (ROOT / mutation.module_path).read_text("utf-8")
    operator = get_operator(mutation.operator_name)()
    try:
        mutant = _essence(mutate_code(source, operator, mutation.occurrence))
    except SyntaxError:
        return False
    return mutant != _essence(source)


def _essence(source: str) -> str:
    return ast.dump(_Essence().visit(ast.parse(source)))


class _Essence(ast.NodeTransformer):
    """A module without what does not matter when it runs."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Name("Any")
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        asks = ast.unparse(node.test)
        idle = asks.endswith("TYPE_CHECKING") or asks.startswith("__name__")
        return None if idle else self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if any(ast.unparse(base).startswith("Protocol") for base in node.bases):
            node.body = []
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST | None:
        return None if node.arg in ("frozen", "maxsize") else self.generic_visit(node)


if __name__ == "__main__":
    sys.exit(main())
