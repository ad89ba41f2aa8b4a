"""Why programs are run and not compared: BLEU and pass rate of solutions, of the same with other names, of wrong near copies.

The chapter (10, "Results and Analysis") argues that BLEU counts n-grams, while any names do for a program and one character can
break it. Here the argument is measured.
"""

import ast
import builtins
import keyword
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from sacrebleu.metrics import BLEU

from codeparrot.atomic import write_text
from codeparrot.evaluation.isolation import Isolation, Limits, why_not_run
from codeparrot.evaluation.sandbox import check_trials
from codeparrot.evaluation.verdicts import trial
from codeparrot.problems import BENCHMARKS
from codeparrot.problems.problem import Problem


@dataclass(frozen=True)
class Compared:
    """One way to write solutions: their BLEU against the benchmark's own, 0 to 100, and the share of them that passes."""

    name: str
    programs: int
    bleu: float
    passed: float | None


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self.names.get(node.arg, node.arg), node.annotation)


def _solution(problem: Problem) -> ast.FunctionDef:
    """The function that is asked for, as the benchmark solves it."""
    tree = ast.parse(problem.prompt + problem.solution)
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == problem.names[0])
    return function


def _body(function: ast.FunctionDef) -> str:
    """A function's statements without its docstring, as a completion."""
    statements = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return "".join("\n    " + line for statement in statements for line in ast.unparse(statement).splitlines())


def same(problem: Problem) -> str:
    """The benchmark's solution in Python's own layout, so that all ways are laid out alike."""
    return _body(_solution(problem))


def renamed(problem: Problem) -> str:
    """The solution with another name for each variable that it makes."""
    function = _solution(problem)
    # Parameters stay: they stand in the prompt. Names of nested functions stay, since they are no ast.Name where they are made.
    fixed = {argument.arg for argument in function.args.args} | set(dir(builtins)) | set(keyword.kwlist)
    nested = [node for node in ast.walk(function) if isinstance(node, ast.FunctionDef | ast.Lambda) and node is not function]
    made = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    made |= {argument.arg for inner in nested for argument in inner.args.args}
    names = {name: f"value_{number}" for number, name in enumerate(sorted(made - fixed), 1)}
    function.body = [_Renamed(names).visit(statement) for statement in function.body]
    return _body(ast.fix_missing_locations(function))


_OPPOSITE: dict[type, type] = {
    ast.Lt: ast.GtE,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Mod: ast.FloorDiv,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def _mutations(statements: list[ast.stmt]) -> Iterator[None]:
    """Change one operator or number after another in place, each undone when the next is asked for."""
    for node in [node for statement in statements for node in ast.walk(statement)]:
        if isinstance(node, ast.Compare):
            kept = node.ops
            node.ops = [_OPPOSITE[type(kept[0])](), *kept[1:]] if type(kept[0]) in _OPPOSITE else kept
            if node.ops is not kept:
                yield
            node.ops = kept
        elif isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in _OPPOSITE:
            operator = node.op
            node.op = _OPPOSITE[type(operator)]()
            yield
            node.op = operator
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
            value = node.value
            node.value = not value if isinstance(value, bool) else value + 1  # type: ignore[operator]
            yield
            node.value = value
        elif isinstance(node, ast.Return) and node.value is not None:
            answer = node.value
            node.value = ast.List([answer], ast.Load())
            yield
            node.value = answer


def near_copies(problem: Problem) -> list[str]:
    """The solution with one operator or number changed, or its answer wrapped; most are wrong, a few happen to be right."""
    function = _solution(problem)
    return [_body(ast.fix_missing_locations(function)) for _ in _mutations(function.body)]


def compare(problems: list[Problem], limits: Limits, isolation: Isolation, workers: int) -> list[Compared]:
    """BLEU (sacrebleu's sentence BLEU, tokenizer 13a, averaged) and pass rate of each way to write the solutions."""
    metric = BLEU(effective_order=True)
    is_run = why_not_run(isolation) is None

    def verdicts(completions: list[tuple[Problem, str]]) -> list[bool]:
        trials = [trial(problem, completion) for problem, completion in completions]
        return [verdict.passed for verdict in check_trials(trials, limits, isolation, workers)] if is_run else []

    def compared(name: str, ways: list[tuple[Problem, str]], passed: list[bool]) -> Compared:
        scores = [metric.sentence_score(text, [references[problem.task_id]]).score for problem, text in ways]
        return Compared(name, len(ways), sum(scores) / len(scores), sum(passed) / len(passed) if passed else None)

    references = {problem.task_id: same(problem) for problem in problems}
    rows = []
    for name, way in (("the solution", same), ("with other names", renamed)):
        ways = [(problem, way(problem)) for problem in problems]
        rows.append(compared(name, ways, verdicts(ways)))
    copies = [(problem, copy) for problem in problems for copy in near_copies(problem)[:1]]
    passed = verdicts(copies)
    wrong = [each for each, right in zip(copies, passed, strict=True) if not right] if passed else copies
    rows.append(compared("with one operator or number changed", copies, passed))
    if passed:
        rows.append(compared("of these, those that are wrong", wrong, [False] * len(wrong)))
    return rows


def measure(isolation: Isolation, workers: int, output: Path) -> None:
    """Write the table over HumanEval's problems as JSON; passed is null where there is no sandbox."""
    rows = compare(BENCHMARKS["humaneval"](None), Limits(), isolation, workers)
    write_text(output, orjson.dumps([asdict(row) for row in rows], option=orjson.OPT_INDENT_2).decode() + "\n")
