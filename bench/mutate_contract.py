"""Takes away one assertion of the contract's checks at a time: the kit's own tests must notice each.

    python bench/mutate_contract.py [SECTION ...]       # files of src/bourn/contract/checks, all by default

A mutant is a check without one of its ``require(...)`` or ``await place.gone(...)``. It is caught when a saboteur of its rules
gets another verdict than it must, or when the checks do not come to their end any more. First every saboteur is judged once, to
learn which assertion stops it: without another one it would fare the same, so a mutant is tried with its own saboteurs only.
Prints the survivors; exits with 1 if there is one.
"""

from __future__ import annotations

import ast
import functools
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import bourn.contract.checks
from bourn.contract import registry
from bourn.contract.proving import judge, require_failure
from bourn.contract.registry import Check, Saboteur
from bourn.contract.verdict import Failed

CHECKS = Path(bourn.contract.checks.__file__).parent

LIMIT = 120.0
"""Seconds for one mutant, or for one saboteur; some take 20 s by themselves on a busy machine."""

FORK = multiprocessing.get_context("fork")

Place = tuple[str, int]
"""A file of checks, and a line in it."""


class Mutant(NamedTuple):
    """The assertion at ``line`` of ``file`` taken away, which ends at ``last``."""

    file: str
    line: int
    last: int
    text: str


def mutants(path: Path) -> list[Mutant]:
    """Every assertion of a file of checks."""
    source = path.read_text("utf-8")
    found = []
    for each in ast.walk(ast.parse(source)):
        if isinstance(each, ast.Expr) and _is_assertion(each.value):
            text = " ".join((ast.get_source_segment(source, each) or "").split())
            found.append(Mutant(path.name, each.lineno, each.end_lineno or each.lineno, text))
    return sorted(found)


def _is_assertion(value: ast.expr) -> bool:
    call = value.value if isinstance(value, ast.Await) else value
    if not isinstance(call, ast.Call):
        return False
    return getattr(call.func, "id", "") == "require" or getattr(call.func, "attr", "") == "gone"


class _Without(ast.NodeTransformer):
    def __init__(self, line: int) -> None:
        self.line = line

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        return ast.copy_location(ast.Pass(), node) if node.lineno == self.line and _is_assertion(node.value) else node


def stops(saboteur: Saboteur) -> set[Place]:
    """The assertions that stop a saboteur, in all checks of its rule. Run it in a process of its own."""
    seen: set[Place] = set()
    checks = registry.load_checks()
    checks[saboteur.rule] = [_watched(check, seen) for check in checks[saboteur.rule]]
    judge(saboteur.rule, saboteur.subject)
    return seen


def _watched(check: Check, seen: set[Place]) -> Check:
    """The check, noting where it failed."""

    @functools.wraps(check.function)
    async def watched(stage: Any) -> Any:
        afterwards: Any = None
        with _Noting(seen):
            afterwards = await check.function(stage)
        return None if afterwards is None else functools.partial(_noted, afterwards, seen)

    return msgspec.structs.replace(check, function=watched)


def _noted(function: Callable[[], None], seen: set[Place]) -> None:
    with _Noting(seen):
        function()


class _Noting:
    def __init__(self, seen: set[Place]) -> None:
        self._seen = seen

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: Any) -> None:
        if not isinstance(error, Failed):
            return
        places = []
        while traceback is not None:
            path = Path(traceback.tb_frame.f_code.co_filename)
            if path.parent == CHECKS:
                places.append((path.name, traceback.tb_lineno))
            traceback = traceback.tb_next
        self._seen.update(places[-1:])


def caught(mutant: Mutant, saboteurs: list[Saboteur]) -> str:
    """What noticed the mutant, or nothing. Run it in a process of its own: it replaces the checks."""
    registry.load_checks()
    source = (CHECKS / mutant.file).read_text("utf-8")
    tree = ast.fix_missing_locations(_Without(mutant.line).visit(ast.parse(source)))
    module = f"bourn.contract.checks.{mutant.file.removesuffix('.py')}"
    for checks in registry.CHECKS.values():
        checks[:] = [check for check in checks if check.function.__module__ != module]
    exec(compile(tree, mutant.file, "exec"), {"__name__": module})
    for saboteur in saboteurs:
        try:
            require_failure(saboteur.rule, saboteur.subject, saboteur.says)
        except AssertionError:
            return f"{saboteur.rule} {saboteur.name}"
    return ""


def apart(function: Callable[..., Any], *arguments: Any, late: Any) -> Any:
    """What a function gives in a process of its own; ``late`` where that takes too long, or dies."""
    receive, send = FORK.Pipe(duplex=False)
    process = FORK.Process(target=lambda: send.send(function(*arguments)))
    process.start()
    send.close()
    try:
        return receive.recv() if receive.poll(LIMIT) else late
    except EOFError:
        return late
    finally:
        process.kill()
        process.join()
        receive.close()


def main() -> int:
    """Try every mutant of the files that were named."""
    began = time.perf_counter()
    names = sys.argv[1:] or sorted(path.stem for path in CHECKS.glob("*.py") if path.stem != "__init__")
    every = [mutant for name in names for mutant in mutants(CHECKS / f"{name}.py")]
    files = {f"bourn.contract.checks.{name}" for name in names}
    checks = registry.load_checks()
    rules = [rule for rule, found in checks.items() if any(check.function.__module__ in files for check in found)]
    saboteurs = [each for rule in rules for each in registry.load_saboteurs()[rule]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        stopped = list(pool.map(lambda each: apart(stops, each, late=set()), saboteurs))
        tried = [
            (mutant, [each for each, places in zip(saboteurs, stopped, strict=True) if _stopped_at(mutant, places)])
            for mutant in every
        ]
        control = (Mutant(every[0].file, 0, 0, "nothing"), saboteurs[:5])
        verdicts = list(pool.map(lambda pair: apart(caught, *pair, late="the clock"), [*tried, control]))
    if verdicts.pop():
        print("checks from which nothing was taken away are missed too: see to the tests first")
        return 1
    alive = [(mutant, own) for (mutant, own), verdict in zip(tried, verdicts, strict=True) if not verdict]
    for mutant, own in alive:
        told = ", ".join(f"{each.rule} {each.name}" for each in own) or "no saboteur"
        print(f"survived: {mutant.file}:{mutant.line} (stops {told}) {mutant.text}")
    late = sum(verdict == "the clock" for verdict in verdicts)
    missed = f"{len(every) - len(alive)} missed when taken away ({late} since the checks then never end)"
    print(f"{len(every)} assertions, {missed}; {len(saboteurs)} saboteurs, {time.perf_counter() - began:.0f} s")
    return 1 if alive else 0


def _stopped_at(mutant: Mutant, places: set[Place]) -> bool:
    return any(file == mutant.file and mutant.line <= line <= mutant.last for file, line in places)


if __name__ == "__main__":
    sys.exit(main())
