"""Nothing that runs beside the student's code sorts a network's parameters or counts a layer's.

Code that finds such a function, or what one has left in memory, answers two parts of the homework
without an idea of them. The worker's source is searched here, and the process's memory by a hostile
submission, which tests/hostile/ grades in a session, too.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from grader import worker
from grader.checks.hidden_networks import scored_networks
from grader.worker import networks

ROOT = Path(__file__).parent.parent.parent
BESIDE = (*sorted((ROOT / "grader/worker").rglob("*.py")),
          *(ROOT / "grader" / name for name in ("packing.py", "stopwatch.py", "wire.py")))
SEARCH = ROOT / "tests/hostile/submissions/theft/searches_for_the_groups.py"

KINDS = {
    "batch norms": re.compile(r"([\w.]*\.)?_?(Lazy|Sync)?(BatchNorm(\dd)?|NormBase)|batchnorm"),
    "layers with biases": re.compile(r"([\w.]*\.)?_?(Lazy)?(Conv(Transpose)?(\dd|Nd)|Linear)"),
}
GROUPS = re.compile(
    r"bn|norms?|batch_?norms?|affine|biases|the_?rest|rest|others?|conv_or_linear|(un|no_)?decay(ed)?",
    re.I,
)
MODULES = {"children", "modules", "named_children", "named_modules"}
SIZES = {"elements", "nelement", "numel", "prod"}


def groupings(tree: ast.Module) -> Iterator[str]:
    """What in a module could sort a network's parameters, or count those of a layer."""
    built = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    told = [word for node in ast.walk(tree) if id(node) not in built for word in _words(node)]
    kinds = [kind for kind, names in KINDS.items() if any(map(names.fullmatch, told))]
    if len(kinds) == len(KINDS):
        yield f"it tells {' from '.join(kinds)}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict | ast.Set | ast.List | ast.Tuple):
            texts = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
            named = sorted(str(one) for one in texts if GROUPS.fullmatch(str(one)))
            if len(named) > 1:
                yield f"line {node.lineno} has a table of {', '.join(named)}"
        if isinstance(node, ast.Compare | ast.Call):
            texts = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
            if texts & {"bias", ".bias"} and not texts & {"weight", ".weight"}:
                yield f"line {node.lineno} asks for biases"
        if isinstance(node, ast.FunctionDef):
            words = {word for one in ast.walk(node) for word in _words(one)}
            if words & MODULES and words & SIZES:
                yield f"{node.name} goes through layers and sizes"


def _words(node: ast.AST) -> list[str]:
    """The names in a node itself; a text is one as a whole."""
    if isinstance(node, ast.ImportFrom):
        return [alias.name for alias in node.names]
    found = (getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "value", None))
    return [word for word in found if isinstance(word, str)]


def test_no_source_beside_the_students_code_sorts_or_counts() -> None:
    found = {path: [*groupings(ast.parse(path.read_text(encoding="utf-8")))] for path in BESIDE}
    assert {path.relative_to(ROOT): what for path, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "code",
    [
        # As `describe` was.
        "def kind(module):\n"
        "    if isinstance(module, nn.modules.batchnorm._BatchNorm): return 1\n"
        "    return isinstance(module, (nn.modules.conv._ConvNd, nn.Linear))",
        "from torch.nn import BatchNorm2d as B, Linear as L\nkind = lambda m: type(m) in (B, L)",
        "KINDS = {'torch.nn.modules.batchnorm._BatchNorm': 0, 'torch.nn.modules.linear.Linear': 1}",
        "GROUPS = {'bn': [], 'rest': []}",
        "ORDER = ('batch_norm', 'biases', 'rest')",
        "def spared(name): return name.endswith('.bias')",
        "def spared(name): return name.rpartition('.')[2] == 'bias'",
        "def counts(net): return {n: sum(p.numel() for p in m.parameters(False))\n"
        "                         for n, m in net.named_modules()}",
        "def counts(net): return [sum(map(elements, m.parameters())) for m in net.children()]",
    ],
)
def test_a_source_that_sorts_or_counts_is_found(code: str) -> None:
    assert list(groupings(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "net.bn = nn.BatchNorm2d(3)\nnet.fc = nn.Linear(3, 3)\nnet.conv = nn.Conv2d(3, 3, 1)",
        "modes = [m.training for m in net.modules() if isinstance(m, _BatchNorm)]",
        "OWN = {'weight', 'bias'}\nfound = [name in ('weight', 'bias') for name in names]",
        "total = sum(p.numel() for p in net.parameters())",
    ],
)
def test_a_source_that_builds_and_observes_networks_is_not(code: str) -> None:
    assert list(groupings(ast.parse(code))) == []


HOSTILE = runpy.run_path(str(SEARCH))


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """A hidden network; all of the worker's modules are loaded beside it."""
    for module in pkgutil.walk_packages(worker.__path__, "grader.worker."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return networks.build(scored_networks(np.random.default_rng(7))[1])


def test_neither_memory_nor_a_function_of_the_workers_answers(network: nn.Module) -> None:
    rows = networks.describe(network)
    assert HOSTILE["searched"](network).found == {}
    assert len(rows) == len(list(network.parameters()))


def kinds(network: nn.Module) -> dict[str, str]:
    """The kind of each parameter, as the worker's description once told it."""
    norms = {name for name, layer in network.named_modules() if isinstance(layer, nn.BatchNorm2d)}
    return {
        name: "batch_norm" if name.rpartition(".")[0] in norms else "conv_or_linear"
        for name, _ in network.named_parameters()
    }


def biases(network: nn.Module) -> list[str]:
    return [n for n, kind in kinds(network).items() if kind != "batch_norm" and n.endswith("bias")]


TELLING: dict[str, Callable[[nn.Module], Any]] = {
    "a set of names": lambda network: set(biases(network)),
    "a list of parameters": lambda network: [network.get_parameter(n) for n in biases(network)],
    "a table of parameters": lambda network: {
        id(network.get_parameter(name)): network.get_parameter(name) for name in biases(network)
    },
    "kinds": kinds,
    "kinds and own names": lambda network: [
        [name, kind, name.rpartition(".")[2], True] for name, kind in kinds(network).items()
    ],
    "sizes": lambda network: [(n, one.numel()) for n, one in network.named_parameters()],
    "counts": lambda network: {
        name: sum(one.numel() for one in layer.parameters(recurse=False))
        for name, layer in network.named_modules() if layer._parameters
    },
}


@pytest.mark.parametrize("what", TELLING)
def test_the_search_sees_what_tells_the_answers(network: nn.Module, what: str) -> None:
    search = HOSTILE["Search"](network)
    search.look_through([TELLING[what](network)])
    assert search.found


def test_the_search_goes_through_memory_and_functions(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def described(network: nn.Module) -> list[Any]:
        return TELLING["sizes"](network)   # type: ignore[no-any-return]  # it is a list

    monkeypatch.setattr(networks, "describe", described)
    left = {"earlier": biases(network)}
    assert set(HOSTILE["searched"](network).found) == {"groups", "counts"} and left
