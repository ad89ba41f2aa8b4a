"""Secrets and personal data: found, counted and replaced by placeholders that say what was there.

The shapes of keys and tokens are those that their issuers document and that detect-secrets and gitleaks look for; what is left of
addresses follows BigCode's PII work (The Stack, StarCoder 2023, section 4): only addresses that lead to somebody.

A whole column is asked at once, in compiled code, whether a shape can be there at all; only the few texts that say yes are read
again one by one. Values are never kept, logged or reported.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Shape:
    """What one type of secret looks like.

    Args:
        kind: Its type, which is counted and configured.
        gate: A pattern for the column's engine (Rust's regex) that matches wherever `pattern` does.
        pattern: A pattern for Python's re, whose group `value`, or the whole where there is none, is replaced.
        is_secret: Whether a value that has this shape is meant.
    """

    kind: str
    gate: str
    pattern: re.Pattern[str]
    is_secret: Callable[[re.Match[str]], bool] = lambda match: True


PLACEHOLDERS = {
    "email": "<EMAIL>",
    "ip_address": "<IP_ADDRESS>",
    "private_key": "<PRIVATE_KEY>",
    "key": "<KEY>",
    "password": "<PASSWORD>",
}
KINDS = tuple(PLACEHOLDERS)
# Names that RFC 2606 and RFC 6761 keep for examples, and what stands where an address would be.
_NOBODY = re.compile(r"(?i)(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost|local|domain\.(?:com|tld))$")
# A value that stands for a secret instead of being one.
_STAND_IN = re.compile(
    r"(?i)^[<{\[$%*(].*|.*(?:x{4}|\*{3}|\.\.\.|example|your|change.?me|placeholder|dummy|sample|fake|test|todo|none|null|"
    r"password|passwd|secret|token|api.?key|default|undefined|12345|foobar).*$|^(?:pass|pwd|user|root|admin|guest|tiger|postgres)$"
)
_RESOLVERS = ("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9")
_TOKENS = (
    r"\b(?:A3T[A-Z0-9]|AKIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",  # Amazon Web Services
    r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b",  # GitHub
    r"\bgithub_pat_[A-Za-z0-9_]{50,255}\b",
    r"\bglpat-[A-Za-z0-9_-]{20,}",  # GitLab
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"\bhooks\.slack\.com/services/T[A-Za-z0-9_]+/B[A-Za-z0-9_]+/[A-Za-z0-9_]{16,}",
    r"\b[rs]k_live_[A-Za-z0-9]{20,}",  # Stripe
    r"\bAIza[A-Za-z0-9_-]{35}",  # Google
    r"\bya29\.[A-Za-z0-9_-]{20,}",
    r"\bsq0(?:atp|csp)-[A-Za-z0-9_-]{22,}",  # Square
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",  # SendGrid
    r"\b(?:AC|SK)[0-9a-f]{32}\b",  # Twilio
    r"\bkey-[0-9a-f]{32}\b",  # Mailgun
    r"\b[0-9a-f]{32}-us[0-9]{1,2}\b",  # Mailchimp
    r"\bnpm_[A-Za-z0-9]{36}\b",
    r"\bpypi-AgEIcHlwaS[A-Za-z0-9_-]{50,}",
    r"\bhf_[A-Za-z0-9]{34,}\b",  # Hugging Face
    r"\bsk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{32,}",  # OpenAI, Anthropic
    r"\b[MN][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",  # Discord
    r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b",  # Telegram
    r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",  # JSON Web Token
    r"\bAccountKey=[A-Za-z0-9+/]{86}==",  # Azure Storage
)
_PRIVATE_KEY = r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
_NAMES = r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api_?key|access_?key|auth_?key|private_?key|credential)s?"
_NAMED = rf"{_NAMES}[A-Za-z0-9_]*[\"']?\]?\s*(?::\s*str\s*)?(?:=|:|=>)\s*[rub]?[\"']"


def _is_somebody(match: re.Match[str]) -> bool:
    user, _, domain = match.group().rpartition("@")
    return user.lower() not in (
        "git",
        "noreply",
        "no-reply",
        "user",
        "username",
        "you",
        "me",
        "foo",
        "name",
    ) and not _NOBODY.search(domain)


def _is_global(match: re.Match[str]) -> bool:
    try:
        return ipaddress.ip_address(match.group("value")).is_global
    except ValueError:
        return False


def _is_address(match: re.Match[str]) -> bool:
    # Four small numbers are a version or a section; so is what stands after a word for one. A public resolver is nobody's.
    value = match.group("value")
    before = match.string[max(match.start() - 24, 0) : match.start()].lower()
    is_version = re.search(r"(?:version|release|section|rfc|==|\bv|\boid)[^\n]*$", before) is not None
    is_small = all(int(part) < 20 for part in value.split("."))
    return not (is_version or is_small) and value not in _RESOLVERS and _is_global(match)


def _is_password(match: re.Match[str]) -> bool:
    value = match.group("value")
    mixed = any(character.isdigit() for character in value) and any(character.isalpha() for character in value)
    return mixed and len(set(value)) >= 6 and not _STAND_IN.match(value)


def _is_login(match: re.Match[str]) -> bool:
    return not _STAND_IN.match(match.group("value"))


# In the order in which they are replaced: the narrow before the wide.
SHAPES = (
    Shape(
        "private_key",
        _PRIVATE_KEY,
        re.compile(rf"{_PRIVATE_KEY}(?P<value>[^-]{{40,}}?)-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
        lambda match: re.search(r"[A-Za-z0-9+/]{20}", match.group("value")) is not None,
    ),
    *(Shape("key", token, re.compile(token)) for token in _TOKENS),
    Shape(
        "password",
        r"://[^\s/:@'\x22<>]*:[^\s/:@'\x22<>]+@",
        re.compile(r"://[^\s/:@'\"<>]*:(?P<value>[^\s/:@'\"<>]{3,})@"),
        _is_login,
    ),
    Shape(
        "password",
        rf"(?i){_NAMED}[^\s\"']{{8,}}[\"']",
        re.compile(rf"(?i){_NAMED}(?P<value>[^\s\"'\\]{{8,200}})[\"']"),
        _is_password,
    ),
    Shape(
        "email",
        r"[A-Za-z0-9]@[A-Za-z0-9]",
        re.compile(
            r"(?<![A-Za-z0-9._%+@/:=-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,8}[A-Za-z]{2,24}\b"
        ),
        _is_somebody,
    ),
    Shape(
        "ip_address",
        r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}",
        re.compile(r"(?<![\w.])(?P<value>[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?![\w.]?[\w])"),
        _is_address,
    ),
    Shape(
        "ip_address",
        r"\b[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]",
        re.compile(r"(?<![\w:])(?P<value>[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34})(?![\w:])"),
        _is_global,
    ),
)


def _replaced(text: str, shapes: Sequence[Shape], counts: Counter[str]) -> str:
    def replacement(shape: Shape, match: re.Match[str]) -> str:
        if not shape.is_secret(match):
            return match.group()
        counts[shape.kind] += 1
        start, end = match.span("value" if "value" in shape.pattern.groupindex else 0)
        whole = match.group()
        return whole[: start - match.start()] + PLACEHOLDERS[shape.kind] + whole[end - match.start() :]

    for shape in shapes:
        text = shape.pattern.sub(lambda match, shape=shape: replacement(shape, match), text)  # type: ignore[misc]
    return text


def replace_secrets(texts: pl.Series, kinds: Sequence[str], counts: Counter[str]) -> pl.Series:
    """The texts with every secret of these `kinds` (of KINDS) replaced by its placeholder; `counts` grows by kind.

    Nothing is left to replace in what is returned.
    """
    shapes = [shape for shape in SHAPES if shape.kind in kinds]
    if not shapes or not len(texts):
        return texts
    texts, asked = texts.clone(), pl.Series(range(len(texts)), dtype=pl.UInt32)
    while len(asked):
        column = texts.gather(asked)
        gates = pl.DataFrame({str(number): column.str.contains(shape.gate) for number, shape in enumerate(shapes)})
        changed: dict[int, str] = {}
        for place in gates.select(pl.any_horizontal(pl.all())).to_series().arg_true().to_list():
            found = [shape for shape, here in zip(shapes, gates.row(place), strict=True) if here]
            if (after := _replaced(column[place], found, counts)) != column[place]:
                changed[asked[place]] = after
        asked = pl.Series(list(changed), dtype=pl.UInt32)
        texts.scatter(asked, pl.Series(list(changed.values()), dtype=pl.String))
    return texts
