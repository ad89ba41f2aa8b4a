"""Completions of the chapter's prompts: cut where their block ends, parsed, and tested where the prompt has a check."""

import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.evaluation.generation import Request, Sampling, generate, load_generator
from codeparrot.evaluation.isolation import Isolation, Limits, why_not_run
from codeparrot.evaluation.sandbox import Trial, check_trials
from codeparrot.syntax import parses

# The chapter's markers of a next block.
NEXT_BLOCK = re.compile(r"class\b|def\b|#|@|print\b|if\b")
_DEFINED = re.compile(r"^(?:async )?def (\w+)", re.MULTILINE)
BATCH = 64


@dataclass(frozen=True)
class Prompt:
    """Something to complete.

    Args:
        prompt: Python that stops in the middle.
        check: Python that raises an exception where a completion is wrong; it may call the functions that the prompt begins.
    """

    prompt: str
    check: str = ""


@dataclass(frozen=True)
class CompletionSettings:
    """How prompts are completed: the chapter's values, and more tokens.

    Args:
        samples: Completions of each prompt.
        sampling: How tokens are drawn.
    """

    samples: int = 4
    sampling: Sampling = field(default_factory=lambda: Sampling(temperature=0.4, max_new_tokens=128))


@dataclass(frozen=True)
class Completion:
    """What the model wrote after a prompt up to the end of its block; whether the two parse; whether they pass its check.

    `passed` is null where the prompt has no check or nothing was run; `reason` says why.
    """

    completion: str
    written: str
    parses: bool
    passed: bool | None = None
    reason: str = ""


def _line_starts(text: str) -> Iterator[tuple[int, int]]:
    """Line (from 0) and column of each logical line and of each comment of its own, outside of brackets and strings."""
    begins, depth = True, 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
            if begins and depth <= 1 and token.type not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
                yield token.start[0] - 1, token.start[1]
                begins = False
            if token.type in (tokenize.NEWLINE, tokenize.NL):
                begins = depth <= 0
    except IndentationError as error:
        # Nothing is known of what follows a wrong indentation but where its lines begin.
        for number, line in enumerate(text.splitlines()[error.lineno or 0 :], error.lineno or 0):
            if line and not line[0].isspace():
                yield number, 0
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):  # the last from Python 3.12 on, after a lone carriage return
        return


def block(prompt: str, written: str) -> str:
    """What was written, up to the end of the block that the prompt stands in, without white space at its end.

    A block ends before the first line at column 0 that Python's tokenizer takes for the beginning of a statement or comment, so
    neither a string nor an open bracket ends one. Where the prompt stands at column 0 itself, statements belong to it, up to one
    that begins a next block as the chapter has it: class, def, #, @, print, if.
    """
    lines = (prompt + written).splitlines(keepends=True)
    of_prompt = prompt.splitlines() or [""]
    # The line that the prompt stops in belongs to it.
    first = len(of_prompt) if prompt else 0
    inside = of_prompt[-1][:1].isspace() or of_prompt[-1].rstrip().endswith(":")
    for line, column in _line_starts("".join(lines)):
        if line >= first and column == 0 and (inside or NEXT_BLOCK.match(lines[line])):
            return "".join(lines[:line])[len(prompt) :].rstrip()
    return written.rstrip()


def checked(
    prompts: Sequence[Prompt], completions: Sequence[Completion], limits: Limits, isolation: Isolation
) -> list[Completion]:
    """The completions with the verdicts of their prompts' checks."""
    found = list(completions)
    asked = [number for number, prompt in enumerate(prompts) if prompt.check]
    missing = why_not_run(isolation) if asked else None
    if missing:
        for number in asked:
            found[number] = replace(found[number], reason=missing)
        return found
    trials = [
        Trial(
            f"{prompts[number].prompt}{found[number].completion}\n",
            tuple(_DEFINED.findall(prompts[number].prompt)),
            prompts[number].check,
        )
        for number in asked
    ]
    for number, verdict in zip(asked, check_trials(trials, limits, isolation, 1), strict=True):
        found[number] = replace(found[number], passed=verdict.passed, reason=verdict.reason)
    return found


def complete_prompts(
    checkpoint: Path,
    tokenizer_file: Path,
    prompts: dict[str, Prompt],
    settings: CompletionSettings,
    limits: Limits,
    isolation: Isolation,
    output: Path,
) -> None:
    """Write for each prompt its samples as JSON: name, prompt, check, prompt_cut, samples (Completions)."""
    model, tokenizer = load_generator(checkpoint, tokenizer_file)
    requests = [
        Request(prompt.prompt, (name, str(number)), (), settings.sampling)
        for name, prompt in prompts.items()
        for number in range(settings.samples)
    ]
    written = dict(generate(model, tokenizer, requests, BATCH))
    asked = [prompt for prompt in prompts.values() for _ in range(settings.samples)]
    found = []
    for number, prompt in enumerate(asked):
        text = block(prompt.prompt, written[number].text)
        found.append(Completion(text, written[number].text, parses(prompt.prompt + text)))
    found = checked(asked, found, limits, isolation)
    done = [
        {
            "name": name,
            "prompt": prompt.prompt,
            "check": prompt.check,
            "prompt_cut": written[first].prompt_cut,
            "samples": [asdict(each) for each in found[first : first + settings.samples]],
        }
        for first, (name, prompt) in zip(range(0, len(asked), settings.samples), prompts.items(), strict=True)
    ]
    write_text(output, orjson.dumps(done, option=orjson.OPT_INDENT_2).decode() + "\n")
