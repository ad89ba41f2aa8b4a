"""Secrets of each type are replaced, what only looks like one stays, and nothing is left to replace."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeparrot.cleaning.secrets import KINDS, PLACEHOLDERS, replace_secrets

# Put together here, so that no text that looks like a secret lies in this repository.
A36 = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
PLANTED = {
    "aws": ("key", "AKIA" + "QX7Z2LMN4P5R6S8T"),
    "github": ("key", "ghp_" + A36),
    "github fine-grained": ("key", "github_pat_" + A36 + "_" + A36),
    "gitlab": ("key", "glpat-" + A36[:20]),
    "slack": ("key", "xoxb-" + "2718281828-" + A36[:24]),
    "slack hook": ("key", "hooks.slack" + ".com/services/T0AB1CD2E/B3FG4HI5J/" + A36[:24]),
    "stripe": ("key", "sk_live_" + A36[:24]),
    "google": ("key", "AIza" + A36[:35]),
    "google oauth": ("key", "ya29." + A36),
    "square": ("key", "sq0csp-" + A36),
    "sendgrid": ("key", "SG." + A36[:22] + "." + A36),
    "twilio": ("key", "SK" + HEX),
    "mailgun": ("key", "key-" + HEX),
    "mailchimp": ("key", HEX + "-us12"),
    "npm": ("key", "npm_" + A36),
    "pypi": ("key", "pypi-AgEIcHlwaS" + A36 * 2),
    "hugging face": ("key", "hf_" + A36),
    "openai": ("key", "sk-proj-" + A36),
    "discord": ("key", "M" + A36[:23] + "." + A36[:6] + "." + A36[:27]),
    "telegram": ("key", "123456789:AA" + A36[:33]),
    "json web token": ("key", "eyJ" + A36[:20] + ".eyJ" + A36 + "." + A36),
    "azure": ("key", "AccountKey=" + (A36 * 3)[:86] + "=="),
    "e-mail": ("email", "jane.doe+list@university-of-x.edu"),
    "ip": ("ip_address", "93.184.216.34"),
    "ipv6": ("ip_address", "2606:2800:220:1:248:1893:25c8:1946"),
}


def replaced(text: str, kinds: tuple[str, ...] = KINDS) -> tuple[str, dict[str, int]]:
    counts: Counter[str] = Counter()
    return replace_secrets(pl.Series([text]), kinds, counts).item(), dict(counts)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_secret_is_replaced_by_its_type_and_nothing_else_changes(name: str) -> None:
    kind, secret = PLANTED[name]
    assert replaced(f"before = 1\nx = call('{secret}')  # after\n") == (
        f"before = 1\nx = call('{PLACEHOLDERS[kind]}')  # after\n",
        {kind: 1},
    )


def test_a_private_key_loses_its_body_only() -> None:
    begin, end = "-----BEGIN RSA " + "PRIVATE KEY-----", "-----END RSA " + "PRIVATE KEY-----"
    body = "\n".join(["MIIEpAIBAAKCAQEA" + A36] * 12)
    assert replaced(f'"""{begin}\n{body}\n{end}"""') == (f'"""{begin}<PRIVATE_KEY>{end}"""', {"private_key": 1})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("password = 'hunter2rocks'", "password = '<PASSWORD>'"),
        ('DB_PASSWORD: "s3cr3tw0rd9"', 'DB_PASSWORD: "<PASSWORD>"'),
        ("config['api_key'] = 'q8w7e6r5t4y3'", "config['api_key'] = '<PASSWORD>'"),
        ("postgres://jane:Tr0ub4dor@db.host/x", "postgres://jane:<PASSWORD>@db.host/x"),
    ],
)
def test_what_is_named_a_password_is_replaced(before: str, after: str) -> None:
    assert replaced(before) == (after, {"password": 1})


@pytest.mark.parametrize(
    "text",
    [
        "password = 'changeme123'",
        "password = '<your password 1>'",
        "password = 'letmein'",
        "token = 'end_of_text'",
        "password = get_password('a1b2c3d4')",
        "postgres://user:pass@localhost/db",
        "mail@example.com and a@sub.example.org",
        "git@github.com:owner/name.git",
        "@pytest.mark.parametrize",
        "matrix = a@b",
        "127.0.0.1 10.1.2.3 192.168.0.1 0.0.0.0 255.255.255.255 8.8.8.8",
        "version = '93.184.216.34'",
        "see section 3.1.1.6",
        "pip install gpudb==93.184.216.34",
        "x[1::2] = y[2001:3002]",
        "sha = '" + HEX + "'",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert replaced(text) == (text, {})


def test_only_the_kinds_that_are_asked_for_are_replaced() -> None:
    text = f"{PLANTED['e-mail'][1]} {PLANTED['ip'][1]}"
    assert replaced(text, ("email",)) == (f"<EMAIL> {PLANTED['ip'][1]}", {"email": 1})
    assert replaced(text, ()) == (text, {})


PIECES = st.sampled_from(
    [*(secret for _, secret in PLANTED.values()), "password = '", "'", '"', "@", ".com", ":", "//", " ", "\n", "é"]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_nothing_is_left_to_replace(text: str) -> None:
    once, _ = replaced(text)
    assert replaced(once) == (once, {})
