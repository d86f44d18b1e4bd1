"""The seal of rule files: a hash over what they mean, written into them, so that nothing is lost or spoilt unnoticed.

Rules are restrictions, and a restriction that is deleted or misspelt leaves a file that is as well-formed as before and
lets more through. Where the seal that is written is not that of what was read, the rules do not load. It is no
signature: whoever may change the rules may seal them. See docs/decisions/082-rules-carry-a-seal.md.
"""

import re
from collections.abc import Sequence

from proxy.rules.compiled import Rules
from proxy.rules.source import Entry, Mark
from proxy.rules.values import Values

# Rules that check just what Elasticsearch documents need none: all that can be taken from them is a fault by itself.
_PLAIN = {
    "cluster": ["manage_ml"],
    "source": ["read", "view_index_metadata"],
    "destination": ["create_index", "index", "manage", "read"],
    "authority": "cluster",
    "subjects": ["data"],
    "trusted": [
        ["elastic/kibana", "_service_account", "_service_account"],
        ["kibana_system", "reserved", "reserved"],
    ],
    "create_as": "auto",
}
_LINE = re.compile(r"^seal:[^\n#]*?(?=[ \t]*(?:#.*)?$)", re.MULTILINE)
_VERSION = re.compile(r"^version:[^\n]*\n?", re.MULTILINE)


def needs_seal(rules: Rules) -> bool:
    """Whether the rules check anything else than what Elasticsearch documents, and so must be sealed."""
    return rules.checks() != _PLAIN


def check_seal(values: Values, rules: Rules, seals: Sequence[Entry], mark: Mark) -> None:
    """Note a seal that is missing or does not fit; `mark` is where one that is missing would stand."""
    if not seals:
        if needs_seal(rules):
            values.note(
                mark,
                "`seal` is missing, and these rules check more or other things than Elasticsearch documents: "
                f"`startgate seal` writes it, so that nothing of them is lost unnoticed (seal: {rules.seal})",
            )
        return
    scalar = values.text(seals[0].value, seals[0].key)
    if scalar is not None and scalar.text != rules.seal:
        values.note(
            scalar.mark,
            "the seal does not fit: something was changed since the rules were sealed. Look at what it was; where it "
            f"is meant, `startgate seal` writes the new one (seal: {rules.seal})",
        )


def sealed(text: str, seal: str) -> str:
    """The text of a rule file with this seal: in place of the one that it has, or below its version."""
    # In quotes, as twelve digits alone would be a number.
    line = f'seal: "{seal}"'
    if _LINE.search(text):
        return _LINE.sub(line, text, count=1)
    version = _VERSION.search(text)
    end = version.end() if version else 0
    before = text[:end] if not end or text[:end].endswith("\n") else text[:end] + "\n"
    return f"{before}{line}\n{text[end:]}"


def holds_seal(text: str) -> bool:
    """Whether the text of a rule file has a line with a seal."""
    return _LINE.search(text) is not None
