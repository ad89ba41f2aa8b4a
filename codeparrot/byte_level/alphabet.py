"""What a byte-level BPE is made of besides its merges: GPT-2's alphabet and the patterns that cut text into pieces."""

# GPT-2's pattern (Radford et al. 2019, encoder.py). What needs no look-ahead is one group, which regular expression
# engines match in one go.
GPT2 = r"(?:'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+)|\s+(?!\S)|\s+"
# For code: a line break and the indentation after it are one piece, a digit is a piece, and an apostrophe begins a string.
CODE = r"(?: ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+[ \t]*)|\s+(?!\S)|\s+"
PATTERNS = {"gpt2": GPT2, "code": CODE}

_PLAIN = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_OTHERS = [byte for byte in range(256) if byte not in _PLAIN]
# Which character of a token stands for which byte (Radford et al. 2019, encoder.py).
CHARACTERS = {byte: chr(byte) for byte in _PLAIN} | {byte: chr(256 + number) for number, byte in enumerate(_OTHERS)}
BYTES = {character: byte for byte, character in CHARACTERS.items()}


def to_characters(token: bytes) -> str:
    """A token's bytes in GPT-2's alphabet, as tokenizer.json holds it."""
    return "".join(CHARACTERS[byte] for byte in token)


def to_bytes(token: str) -> bytes:
    """The bytes of a token in GPT-2's alphabet; KeyError for a character that is not of it."""
    return bytes(BYTES[character] for character in token)
