"""Possible secrets in source text: which line, what kind, never the secret itself.

Own patterns rather than detect-secrets: that reads about 7,000 lines a second here
(a minute for a code base of 2,000 files) and flags every quoted word after "password".
A flagged file is left out by default, so a false alarm hides a file from the model;
the loose rules therefore ask that a value look random.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Secret:
    """A line that may hold a secret."""

    line: int  # 1-based
    kind: str  # "AWS access key"


# (kind, literals of which one must occur, pattern). The literals make a clean file cost a few fast scans.
_KNOWN: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (kind, literals, re.compile(pattern))
    for kind, literals, pattern in (
        ("private key", ("PRIVATE KEY",), r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
        (
            "AWS access key",
            ("AKIA", "ASIA", "ABIA", "ACCA"),
            r"(?<![A-Z0-9])A(?:KI|SI|BI|CC)A[A-Z2-7][A-Z0-9]{15}(?![A-Z0-9])",
        ),
        ("GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
        ("GitHub token", ("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{40,}"),
        ("GitLab token", ("glpat-",), r"\bglpat-[\w-]{20,}"),
        ("Slack token", ("xox",), r"\bxox[abeoprs]-(?:\d+-)?[A-Za-z0-9-]{10,}"),
        ("Slack webhook", ("hooks.slack.com",), r"hooks\.slack\.com/services/T\w+/B\w+/\w{16,}"),
        ("Stripe key", ("k_live_", "k_test_"), r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{10,}"),
        ("Google API key", ("AIza",), r"\bAIza[\w-]{35}(?![\w-])"),
        ("Google OAuth secret", ("GOCSPX-",), r"\bGOCSPX-[\w-]{20,}"),
        ("OpenAI key", ("sk-",), r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}"),
        ("Anthropic key", ("sk-ant-",), r"\bsk-ant-[\w-]{20,}"),
        ("Hugging Face token", ("hf_",), r"\bhf_[A-Za-z]{30,}\b"),
        ("npm token", ("npm_", "_authToken"), r"\bnpm_[A-Za-z0-9]{36}\b|_authToken\s*=\s*(?!\$)[\w-]{20,}"),
        ("PyPI token", ("pypi-AgE",), r"\bpypi-AgE[\w-]{40,}"),
        ("SendGrid key", ("SG.",), r"\bSG\.[\w-]{16,}\.[\w-]{20,}"),
        ("Twilio key", ("SK", "AC"), r"(?<![A-Za-z0-9])(?:SK|AC)[0-9a-f]{32}(?![A-Za-z0-9])"),
        ("Telegram token", (":AA",), r"(?<!\d)\d{8,10}:AA[\w-]{32,}"),
        ("Azure storage key", ("AccountKey=",), r"AccountKey=[A-Za-z0-9+/]{60,}={0,2}"),
        ("Vault token", ("hvs.",), r"\bhvs\.[\w-]{24,}"),
        ("DigitalOcean token", ("dop_v1_",), r"\bdop_v1_[0-9a-f]{60,}"),
        ("Databricks token", ("dapi",), r"\bdapi[0-9a-f]{32}\b"),
        ("Docker token", ("dckr_pat_",), r"\bdckr_pat_[\w-]{20,}"),
        ("Shopify token", ("shpat_", "shpca_", "shppa_", "shpss_"), r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
        ("Linear key", ("lin_api_",), r"\blin_api_[A-Za-z0-9]{32,}"),
        ("Mailgun key", ("key-",), r"(?<![\w-])key-[0-9a-f]{32}\b"),
        ("JSON web token", ("eyJ",), r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}"),
    )
)

# scheme://name:value@host; begins at a literal, which keeps the scan fast.
_URL = re.compile(r"://[^\s:/@'\"<>{}$]{1,60}:(?P<value>[^\s:/@'\"<>{}$%*\[\]()]{6,100})@[\w.-]+")
# Values first, names second: the other way round costs ten times as much.
_QUOTED = re.compile(
    r"[:=>][ \t]{0,10}[bru]?(?P<quote>[\"'`])(?P<value>(?=[^\"'`\s]{0,200}\d)[^\"'`\s]{8,200})(?P=quote)"
)
_BARE = re.compile(r"(?m)[:=][ \t]*(?P<value>[^\s\"'#;]{8,200})[ \t]*$")
_NAMED = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase)|(?<![a-z])pass(?![a-z])|pwd|secret|token(?!i)|api[_-]?key|access[_-]?key|auth[_-]?key"
    r"|private[_-]?key|credentials?|(?:encryption|signing|client|master|account)[_-]?key)[\w-]{0,30}[\"'\]]{0,2}"
    r"(?:[ \t]{0,4}:[ \t]{0,4}[\w<>|?& ]{1,30})?[ \t]{0,10}[:=]{0,2}>?$"
)
_NAME_CHARACTERS = 80
_SETTINGS_FILE = re.compile(
    r"(?i)(?:^|/)(?:\.env(?:\.[\w.-]+)?|[\w.-]*\.(?:env|ini|cfg|conf|properties|ya?ml|toml)|\.(?:npmrc|pypirc|netrc|pgpass))$"
)
_PLACEHOLDER = re.compile(
    r"(?i)example|sample|dummy|change|replace|placeholder|insert|redact|your|\bmy|fake|test|todo|none|null|undefined|"
    r"x{4}|\*{3}|\.{3}|0{6}|123456|abcdef|qwerty|lorem|[<>{}$%()\[\]]|^[a-z]+://|secret|password|token|key"
)


_WORDS = re.compile(r"(?:[A-Z]?[a-z]{2,}|[A-Z]{2,}|\d{1,3}(?=[A-Z._/:-]|$)|[._/:-])+")


def find_secrets(text: str, path: str) -> list[Secret]:
    """Return the lines of a file that may hold secrets, in order, one for each line."""
    found: dict[int, str] = {}  # position -> kind
    for kind, literals, pattern in _KNOWN:
        if any(literal in text for literal in literals):
            for match in pattern.finditer(text):
                found.setdefault(match.start(), kind)
    for match in _URL.finditer(text):
        if _looks_secret(match["value"]):
            found.setdefault(match.start("value"), "password in an address")
    # Files of settings hold values without quotes.
    for pattern in [_QUOTED, _BARE] if _SETTINGS_FILE.search(path) else [_QUOTED]:
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - _NAME_CHARACTERS) : match.start()].rpartition("\n")[2]
            if _NAMED.search(before) and _looks_secret(match["value"]):
                found.setdefault(match.start("value"), "password or key")
    lines: dict[int, str] = {}
    for position in sorted(found):
        lines.setdefault(text.count("\n", 0, position) + 1, found[position])
    return [Secret(line, kind) for line, kind in lines.items()]


def _looks_secret(value: str) -> bool:
    """Letters and digits mixed with some entropy: no placeholder, no word, no path, no name of a variable."""
    if not (re.search(r"\d", value) and re.search(r"[A-Za-z]", value)):
        return False
    if value.startswith("\\") or _WORDS.fullmatch(value):
        return False
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
    if _PLACEHOLDER.search(value):
        return len(value) >= 32 and entropy > 4.0  # long random text holds a short word by chance
    return entropy >= min(2.7, math.log2(len(value)) - 0.6)
