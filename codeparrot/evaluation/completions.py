"""Sample completions of the chapter's four prompts, and whether they parse."""

import ast
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.evaluation.generation import Sampling, complete, first_block, load_generator


@dataclass(frozen=True)
class Completion:
    """One prompt, what the model wrote after it up to the end of its block, and whether the two parse as Python."""

    name: str
    prompt: str
    completion: str
    parses: bool


def parses(text: str) -> bool:
    """Whether `text` is Python by its syntax alone; it is not run."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def complete_prompts(checkpoint: Path, tokenizer_file: Path, prompts: dict[str, str], sampling: Sampling, output: Path) -> None:
    """Complete each prompt once and write the list of Completions as JSON."""
    model, tokenizer = load_generator(checkpoint, tokenizer_file)
    done = []
    for name, prompt in prompts.items():
        block = first_block(complete(model, tokenizer, prompt, sampling, (name,)))
        done.append(asdict(Completion(name, prompt, block, parses(prompt + block))))
    write_text(output, orjson.dumps(done, option=orjson.OPT_INDENT_2).decode() + "\n")
