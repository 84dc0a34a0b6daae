"""Secrets are found by line and kind; names of secrets and placeholders are not taken for them."""

from __future__ import annotations

import pytest

from longdoc.sources.secrets import find_secrets

# Put together here, so that no scanner takes this file for a leak.
FOUND = {
    "AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + "a1B2c3D4e5" * 4,
    "Slack token": "xoxb-" + "123456789012-abcdefABCDEF",
    "Stripe key": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "Google API key": "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "OpenAI key": "sk-" + "proj-a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "JSON web token": "eyJ"
    + "hbGciOiJIUzI1NiJ9.eyJ"
    + "zdWIiOiIxMjM0NTY3ODkwIn0."
    + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "npm token": "npm_" + "a1B2c3D4e5F6" * 3,
}


@pytest.mark.parametrize("kind", FOUND)
def test_known_forms_are_found_on_their_line(kind: str):
    found = find_secrets(f"first\nsecond\nvalue = '{FOUND[kind]}'\n", "src/a.py")
    assert [(secret.line, secret.kind) for secret in found] == [(3, kind)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('API_KEY = "a8f5f167f44f4964' + 'e6c998dee827110c"', "a.py"),
        ('"db_password": "kV9#mq' + '2L!x"', "a.json"),
        ('const apiKey: string = "9f86d081884c7d' + '659a2feaa0c55ad015"', "a.ts"),
        ("client_secret => 'q83vEjRWeJ" + "Crze8S'", "a.php"),
        ("password: Tr0ub4" + "dor&3", "config/app.yaml"),
        ("export DB_PASSWORD=hunter2" + "hunter2", ".env"),
        ("url = postgres://app:s8Fk3" + "Lq9@db.local/x", "a.py"),
    ],
)
def test_values_that_look_random_under_a_telling_name_are_found(text: str, path: str):
    assert len(find_secrets(text, path)) == 1


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('password = "password"', "a.py"),
        ('password = os.environ["PASSWORD_1"]', "a.py"),
        ('api_key = "YOUR_API_KEY_HERE_1"', "a.py"),
        ('token = "get_token_2"', "a.py"),
        ('PASSAGE_FILE = "psgs_w100.tsv.pkl"', "a.py"),
        ('tokenizer = "Qwen2TokenizerFast"', "a.py"),
        ('secret: "${VAULT_SECRET_1}"', "a.yaml"),
        ("password: str = field(default=None)", "a.py"),
        ("url = postgres://user:password@localhost/db", "a.py"),
        ('checksum = "a8f5f167f44f4964e6c998dee827110c"', "a.py"),
        ("PASSWORD=hunter2hunter2", "notes.txt"),
        ('<input name="password" type="text1234">', "a.html"),
        ("git clone https://example.org/a1b2c3d4", "README.md"),
    ],
)
def test_ordinary_code_is_not_flagged(text: str, path: str):
    assert find_secrets(text, path) == []


def test_a_line_is_named_once_and_lines_are_in_order():
    key = FOUND["AWS access key"]
    found = find_secrets(f"x\n{key} {key}\ny\n{FOUND['private key']}\n", "a.py")
    assert [secret.line for secret in found] == [2, 4]


def test_what_is_reported_never_holds_the_secret():
    for kind, value in FOUND.items():
        assert value not in repr(find_secrets(value, "a.py")), kind
