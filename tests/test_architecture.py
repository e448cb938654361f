"""Protects the shape of the code: arrows between packages point one way, and each big library has one owner."""

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]

ARROWS: dict[str, set[str]] = {
    "models": set(),
    "sweeper": set(),
    "sweeper.cache": set(),
    "sweeper.commit": set(),
    "sweeper.errors": set(),
    "sweeper.seeds": set(),
    "sweeper.comparability": set(),
    "sweeper.strict_json": set(),
    "sweeper.curve_line": {"sweeper.strict_json"},
    "sweeper.files": set(),
    "sweeper.locking": {"sweeper.errors"},
    "sweeper.masking": set(),
    "sweeper.disk": {"sweeper.errors", "sweeper.spec"},
    "sweeper.spec": {"sweeper.errors", "sweeper.masking"},
    "sweeper.remote": {"sweeper.cache", "sweeper.disk", "sweeper.errors", "sweeper.files", "sweeper.locking"},
    "sweeper.search": {
        "sweeper.comparability",
        "sweeper.disk",
        "sweeper.errors",
        "sweeper.files",
        "sweeper.locking",
        "sweeper.remote",
        "sweeper.seeds",
        "sweeper.spec",
    },
    "sweeper.training": {
        "models",
        "sweeper.cache",
        "sweeper.comparability",
        "sweeper.curve_line",
        "sweeper.disk",
        "sweeper.errors",
        "sweeper.files",
        "sweeper.locking",
        "sweeper.seeds",
        "sweeper.spec",
        "sweeper.strict_json",
    },
    "sweeper.tracking": {
        "sweeper.commit",
        "sweeper.curve_line",
        "sweeper.errors",
        "sweeper.locking",
        "sweeper.masking",
        "sweeper.remote",
        "sweeper.spec",
        "sweeper.search",
    },
    "sweeper.cluster": {"sweeper.commit", "sweeper.errors", "sweeper.files", "sweeper.masking", "sweeper.spec"},
    "sweeper.analysis": {"sweeper.comparability", "sweeper.errors", "sweeper.spec", "sweeper.search"},
    "sweeper.execution": {
        "sweeper.comparability",
        "sweeper.disk",
        "sweeper.errors",
        "sweeper.files",
        "sweeper.locking",
        "sweeper.remote",
        "sweeper.spec",
        "sweeper.search",
        "sweeper.training",
        "sweeper.tracking",
    },
    "sweeper.cli": {
        "models",
        "sweeper.commit",
        "sweeper.comparability",
        "sweeper.disk",
        "sweeper.errors",
        "sweeper.files",
        "sweeper.locking",
        "sweeper.masking",
        "sweeper.spec",
        "sweeper.strict_json",
        "sweeper.search",
        "sweeper.training",
        "sweeper.tracking",
        "sweeper.analysis",
        "sweeper.execution",
        "sweeper.cluster",
        "sweeper.remote",
    },
}
"""Which of our packages each of them may import."""

OWNERS: dict[str, set[str]] = {
    "ray": {"sweeper.execution", "sweeper.cluster"},
    "boto3": {"sweeper.remote", "sweeper.cluster"},
    "psycopg": {"sweeper.search"},
    "optuna": {"sweeper.search"},
    "mlflow": {"sweeper.tracking"},
    "torch": {"models", "sweeper.training", "sweeper.cli"},
    "torchvision": {"sweeper.training"},
    "safetensors": {"sweeper.training"},
    "sklearn": {"sweeper.training"},
    "scipy": {"sweeper.analysis", "sweeper.training"},
    "yaml": {"sweeper.spec", "sweeper.training", "sweeper.cluster"},
    "typer": {"sweeper.cli"},
    "matplotlib": {"sweeper.cli"},
}
"""Which of our packages may import a library."""

UNSAFE_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "torch.load", "torch.save", "numpy.load", "np.load"}
GLOBAL_RANDOMNESS = {"torch.manual_seed", "torch.seed", "torch.cuda.manual_seed", "np.random.seed", "numpy.random.seed"}
UNSAFE_YAML = {
    *("load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"),
    *("Loader", "FullLoader", "UnsafeLoader", "CLoader", "CFullLoader", "CUnsafeLoader", "Dumper", "CDumper"),
}

FILES = sorted(path for package in ("models", "sweeper") for path in (ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def package_of(module: str) -> str:
    """Return the part of the architecture that a module belongs to, the library's name for a module of another."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "sweeper" else parts[0]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield every name that is imported anywhere, also in functions and for type checkers alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = [node.module] if node.module else []
            yield from ("." * node.level + ".".join([*origin, alias.name]) for alias in node.names)


def imported_packages(path: Path) -> set[str]:
    """Return the packages that a file imports, without its own."""
    return {package_of(module) for module in imports(parsed(path))} - {package_of(module_of(path))}


def dotted(node: ast.AST) -> str:
    """Return the dotted name that an expression is; nothing for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def names_used(path: Path) -> set[str]:
    """Return every dotted name in a file, imported or used."""
    return {dotted(node) for node in ast.walk(parsed(path))} | set(imports(parsed(path)))


def offences(find: Callable[[Path], Iterable[object]]) -> dict[str, list[object]]:
    """Return what ``find`` finds in each file, without the files in which it finds nothing."""
    found = {str(path.relative_to(ROOT)): list(find(path)) for path in FILES}
    return {path: offending for path, offending in found.items() if offending}


def test_the_walk_sees_the_code() -> None:
    assert {package_of(module_of(path)) for path in FILES} == set(ARROWS), "a new package needs its arrows here"
    tree = ast.parse("def f():\n  import a.b as c\n  from d.e import f\nfrom . import g")
    assert sorted(imports(tree)) == [".g", "a.b", "d.e.f"]


def test_arrows_between_packages_point_one_way() -> None:
    def against_the_arrows(path: Path) -> set[str]:
        ours = {package for package in imported_packages(path) if package.partition(".")[0] in ("sweeper", "models")}
        return ours - ARROWS[package_of(module_of(path))]

    assert offences(against_the_arrows) == {}


def test_packages_do_not_import_each_other_in_circles() -> None:
    graph: dict[str, set[str]] = {}
    for path in FILES:
        graph.setdefault(package_of(module_of(path)), set()).update(imported_packages(path) & set(ARROWS))
    assert set(TopologicalSorter(graph).static_order()) == set(ARROWS)  # A circle raises CycleError.


def test_a_library_is_imported_by_its_owners_alone() -> None:
    def of_others(path: Path) -> set[str]:
        package = package_of(module_of(path))
        return {name for name in imported_packages(path) & set(OWNERS) if package not in OWNERS[name]}

    assert offences(of_others) == {}


def test_imports_are_absolute() -> None:
    assert offences(lambda path: (name for name in imports(parsed(path)) if name.startswith("."))) == {}


def test_nothing_is_unpickled_or_evaluated() -> None:
    assert offences(lambda path: imported_packages(path) & UNSAFE_MODULES) == {}
    assert offences(lambda path: names_used(path) & UNSAFE_CALLS) == {}


def test_yaml_makes_plain_values_alone() -> None:
    assert offences(lambda path: names_used(path) & {f"yaml.{name}" for name in UNSAFE_YAML}) == {}


def test_randomness_has_no_global_state() -> None:
    assert offences(lambda path: imported_packages(path) & {"random"}) == {}
    assert offences(lambda path: names_used(path) & GLOBAL_RANDOMNESS) == {}


def test_assert_validates_nothing() -> None:
    def asserted_lines(path: Path) -> Iterator[int]:
        return (node.lineno for node in ast.walk(parsed(path)) if isinstance(node, ast.Assert))

    assert offences(asserted_lines) == {}, "python -O removes assert; raise an error instead"
