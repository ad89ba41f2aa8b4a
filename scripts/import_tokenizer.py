"""Import a tokenizer from elsewhere."""

from pathlib import Path

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.tokenizer import importing


def main(origin: str, output: Path) -> None:
    """Import a tokenizer.

    Args:
        origin: gpt2, a path to a tokenizer.json, or hub:OWNER/NAME@REVISION.
        output: The tokenizer.json to write.
    """
    write_text(output, importing.import_tokenizer(origin).to_str(pretty=True))


if __name__ == "__main__":
    run(main)
