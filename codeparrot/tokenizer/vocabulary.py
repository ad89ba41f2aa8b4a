"""What a vocabulary holds: its tokens as text that shows every character, its keywords, its words, its alphabet."""

import builtins
import keyword
from collections.abc import Sequence
from typing import Any

from codeparrot.byte_level.alphabet import BYTES, CHARACTERS, to_bytes
from codeparrot.tokenizer.compared import Compared

SHOWN = {" ": "·", "\n": "↵", "\t": "→", "\r": "␍"}
LONGEST = 24
FIRST = 24
LAST = 12
COMMON_CHARACTERS = ("a", "ß", "é", "я", "€", "你", "あ", "🙂")


def visible(token: bytes) -> str:
    """A token as text in which spaces, line breaks and bytes that are no whole character can be seen."""
    text = token.decode("utf-8", "backslashreplace")
    return "".join(SHOWN.get(character, character if character.isprintable() else repr(character)[1:-1]) for character in text)


def bytes_of_entry(entry: str) -> bytes:
    """The bytes of an entry of a byte-level vocabulary; of a special token, or another kind of vocabulary, its spelling."""
    return to_bytes(entry) if all(character in BYTES for character in entry) else entry.encode("utf-8")


def listed(compared: Compared) -> dict[str, list[dict[str, Any]]]:
    """The longest tokens (in characters), the first ones after the bytes, and the last ones, each with its id."""
    entries = sorted(compared.tokenizer.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
    special = {token.content for token in compared.tokenizer.get_added_tokens_decoder().values()}
    tokens = [(number, bytes_of_entry(entry)) for entry, number in entries if entry not in special]
    merged = [(number, token) for number, token in tokens if len(token) > 1]
    longest = sorted(merged, key=lambda item: (-len(item[1].decode("utf-8", "replace")), item[0]))
    groups = {"longest": longest[:LONGEST], "first": merged[:FIRST], "last": merged[-LAST:]}
    return {
        name: [{"id": number, "text": visible(token), "bytes": len(token)} for number, token in group]
        for name, group in groups.items()
    }


def is_single(compared: Compared, texts: Sequence[str]) -> list[bool]:
    """Whether each text is one token."""
    return [len(ids) == 1 for ids in compared.ids(list(texts))]


def keywords(compared: Compared) -> dict[str, dict[str, list[str]]]:
    """Python's keywords, soft keywords and built-in names: which are single tokens at the beginning of a text, after a
    space, and neither."""
    found = {}
    names = {
        "keywords": keyword.kwlist,
        "soft keywords": keyword.softkwlist,
        "built-in names": sorted(name for name in vars(builtins) if not name.startswith("_") and name not in keyword.kwlist),
    }
    for kind, group in names.items():
        bare, spaced = is_single(compared, group), is_single(compared, [f" {name}" for name in group])
        rows = list(zip(group, bare, spaced, strict=True))
        found[kind] = {
            "bare": [name for name, alone, _ in rows if alone],
            "not bare": [name for name, alone, _ in rows if not alone],
            "only after a space": [name for name, alone, after in rows if after and not alone],
            "neither": [name for name, alone, after in rows if not (alone or after)],
        }
    return found


def common_words(compared: Compared, words: Sequence[str]) -> dict[str, list[str]]:
    """Each word, after a space, in the tokens that it is cut into."""
    encoded = [compared.tokenizer.encode(f" {word}", add_special_tokens=False) for word in words]
    return {word: [visible(bytes_of_entry(token)) for token in each.tokens] for word, each in zip(words, encoded, strict=True)}


def alphabet() -> dict[str, Any]:
    """GPT-2's character for each byte, and how many bytes common characters take."""
    return {
        "characters": [CHARACTERS[byte] for byte in range(256)],
        "common": [
            {
                "character": character,
                "bytes": list(character.encode("utf-8")),
                "entry": "".join(CHARACTERS[byte] for byte in character.encode("utf-8")),
            }
            for character in COMMON_CHARACTERS
        ],
    }


def steps(compared: Compared, text: str) -> dict[str, Any]:
    """What each step of the tokenizer makes of `text`."""
    tokenizer = compared.tokenizer
    normalised = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
    pieces = (
        tokenizer.pre_tokenizer.pre_tokenize_str(normalised) if tokenizer.pre_tokenizer else [(normalised, (0, len(normalised)))]
    )
    encoded = tokenizer.encode(text, add_special_tokens=False)
    processed = tokenizer.encode(text, add_special_tokens=True)
    return {
        "normaliser": type(tokenizer.normalizer).__name__ if tokenizer.normalizer else None,
        "pieces": [{"text": piece, "start": start, "end": end} for piece, (start, end) in pieces],
        "tokens": [
            {"id": number, "text": token, "start": start, "end": end}
            for number, token, (start, end) in zip(encoded.ids, encoded.tokens, encoded.offsets, strict=True)
        ],
        "added": [token for token, special in zip(processed.tokens, processed.special_tokens_mask, strict=True) if special],
    }
