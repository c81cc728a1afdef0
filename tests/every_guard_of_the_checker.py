"""Deletes every guard of the checker in turn, and says which ones no case of the tests needs.

    python tests/every_guard_of_the_checker.py

A guard is a statement `need(..)`, or one part of its condition if that is `a and b` or
`a <= b <= c`; or a `raise`, with the `if` in front of it where that holds nothing else. The checker
without it runs on the cases of `checker_cases.py`. It is noticed if a single case ends with other
words. Exits with 1 if something is not noticed: then a case is missing, or the guard can go.
"""

from __future__ import annotations
import __future__ as future

import ast
import copy
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from checker_cases import CASES, outcome

SOURCE = Path(__file__).parents[1] / "convalgebra" / "check.py"


def run(lines: list[ast.stmt], module: ModuleType) -> None:
    """Runs top-level statements of the checker, changed or not, in a module."""
    tree = ast.fix_missing_locations(ast.Module(lines, []))
    flags = future.annotations.compiler_flag
    exec(compile(tree, "checker", "exec", flags, True), module.__dict__)


def guards(definition: ast.stmt) -> Iterator[tuple[ast.stmt, str, ast.stmt]]:
    """Every guard in a definition, what is left out of it, and the definition without that."""
    for place, node in enumerate(ast.walk(definition)):
        lines = node.body if isinstance(getattr(node, "body", None), list) else []
        for number, line in enumerate(lines if not is_guard(node) else []):
            if is_guard(line):
                changed, parent = without(definition, place)
                parent.body[number] = ast.Pass()
                yield line, ast.unparse(line), changed
            for part in range(len(parts_of(line))):
                changed, parent = without(definition, place)
                kept = parts_of(parent.body[number])
                text = ast.unparse(kept[part])
                kept[part] = ast.Constant(True)
                yield line, f"{text}  in  {ast.unparse(line)}", changed


def without(definition: ast.stmt, place: int) -> tuple[ast.stmt, Any]:
    """A copy of a tree, and the node of it at that place."""
    changed = copy.deepcopy(definition)
    return changed, list(ast.walk(changed))[place]


def is_guard(line: ast.AST) -> bool:
    if isinstance(line, ast.If) and not line.orelse:
        return len(line.body) == 1 and isinstance(line.body[0], ast.Raise)
    return isinstance(line, ast.Raise) or is_need(line)


def is_need(line: ast.AST) -> bool:
    call = line.value if isinstance(line, ast.Expr) else None
    return isinstance(call, ast.Call) and getattr(call.func, "id", "") == "need"


def parts_of(line: ast.AST) -> list[ast.expr]:
    """The operands of the `and` in a `need`: the list itself, to leave one out."""
    if not is_need(line):
        return []
    call: Any = line.value  # type: ignore[attr-defined]
    holds = call.args[0]
    return holds.values if isinstance(holds, ast.BoolOp) and isinstance(holds.op, ast.And) else []


class Spread(ast.NodeTransformer):
    """Writes every `need(a <= b <= c and d, ..)` as `need(a <= b and b <= c and d, ..)`."""

    def visit_Expr(self, line: ast.Expr) -> ast.Expr:
        if is_need(line):
            call: Any = line.value
            holds = call.args[0]
            every = isinstance(holds, ast.BoolOp) and isinstance(holds.op, ast.And)
            parts = [one for part in (holds.values if every else [holds]) for one in compared(part)]
            if len(parts) > 1:
                call.args[0] = ast.BoolOp(ast.And(), parts)
        return line


def compared(part: ast.expr) -> list[ast.expr]:
    if not isinstance(part, ast.Compare):
        return [part]
    sides = [part.left, *part.comparators]
    pairs = zip(sides, part.ops, sides[1:], strict=False)
    return [ast.Compare(a, [op], [b]) for a, op, b in pairs]


def unneeded() -> tuple[int, list[str]]:
    """How many guards there are, and which ones no case needs."""
    lines = Spread().visit(ast.parse(SOURCE.read_text("utf-8"))).body
    checker = sys.modules["checker"] = ModuleType("checker")  # dataclasses look there
    run(lines, checker)
    table = [line for line in lines if "VERIFIERS" in ast.unparse(line)[:10]]  # of functions
    found, total, whole = [], 0, dict(vars(checker))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proof.json"
        right = {name: outcome(checker, case, path) for name, case in CASES.items()}
        for definition in lines:
            for guard, text, changed in guards(definition):
                total += 1
                run([changed, *table], checker)
                # First the cases that end with the words of the guard: most need no others.
                words = [
                    str(node.value) for node in ast.walk(guard) if isinstance(node, ast.Constant)
                ]
                longest = max(words, key=len, default="")
                names = sorted(CASES, key=lambda name: longest not in str(right[name][-1]))
                if all(outcome(checker, CASES[name], path) == right[name] for name in names):
                    found.append(f"line {guard.lineno}: {text}")
                vars(checker).update(whole)
    return total, found


def main() -> int:
    total, found = unneeded()
    for text in found:
        print("not noticed:", text)
    print(f"{total} guards, {len(found)} of them not noticed")
    return len(found) > 0


if __name__ == "__main__":
    sys.exit(main())
