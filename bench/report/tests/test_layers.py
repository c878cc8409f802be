# SPDX-License-Identifier: GPL-2.0-only
"""Facts know neither judgement nor rendering, and judgement no rendering; the plan may know facts.

Who renders outside of the report counts as rendering.
"""

import ast
import pathlib
import re

import pytest

REPORT = pathlib.Path(__file__).parents[1]
LAYERS = ("facts", "judgement", "rendering")
MAY = {"plan.py": LAYERS[:1]} | {f"{layer}/{path.name}": LAYERS[:number] for number, layer in enumerate(LAYERS, 1)
                                 for path in (REPORT / layer).glob("*.py")}


def imported(path):
    """The layers that a module imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = ([alias.name for alias in node.names] if isinstance(node, ast.Import) else
                 [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else [])
        names = [re.sub(r"^bench\.(cycles|checks|door)\b", "bench.report.rendering", name) for name in names]
        yield from (part for name in names for part in name.removeprefix("bench.report.").split(".")[:1]
                    if name.startswith("bench.report.") and part in LAYERS)


@pytest.mark.parametrize("name", MAY)
def test_a_module_imports_no_later_layer(name):
    assert set(imported(REPORT / name)) <= set(MAY[name])
