"""Analysis settings: which analyzers, normalizers and similarities an index has, and whether they fit together.

Nothing is analysed as Lucene would: searches on text split at what is no letter or digit and fold case.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.embedded.core.failure import illegal
from proxy.embedded.core.settings import group

_WORD = re.compile(r"\w+", re.UNICODE)

_ANALYZERS_LISTED = """
default standard simple stop whitespace keyword pattern snowball fingerprint arabic armenian basque
bengali brazilian bulgarian catalan chinese cjk czech danish dutch english estonian finnish french
galician german greek hindi hungarian indonesian irish italian latvian lithuanian norwegian persian
portuguese romanian russian sorani spanish swedish thai turkish
"""
ANALYZERS = frozenset(_ANALYZERS_LISTED.split())
NORMALIZERS = frozenset({"lowercase"})
SIMILARITIES = frozenset({"BM25", "boolean"})
TOKENIZERS = frozenset(
    [
        "standard",
        "letter",
        "lowercase",
        "whitespace",
        "uax_url_email",
        "classic",
        "thai",
        "ngram",
        "nGram",
        "edge_ngram",
        "edgeNGram",
        "keyword",
        "pattern",
        "simple_pattern",
        "char_group",
        "simple_pattern_split",
        "path_hierarchy",
        "PathHierarchy",
    ]
)
_FILTERS_LISTED = """
apostrophe arabic_normalization arabic_stem asciifolding bengali_normalization brazilian_stem
cjk_bigram cjk_width classic common_grams czech_stem decimal_digit delimited_payload dutch_stem
edge_ngram edgeNGram elision fingerprint flatten_graph french_stem german_normalization german_stem
hindi_normalization hunspell indic_normalization keep keyword_marker keyword_repeat kstem length
limit lowercase min_hash multiplexer ngram nGram persian_normalization persian_stem porter_stem
predicate_token_filter remove_duplicates reverse russian_stem scandinavian_folding
scandinavian_normalization serbian_normalization shingle snowball sorani_normalization standard
stemmer stop synonym synonym_graph trim truncate type_as_payload unique uppercase word_delimiter
word_delimiter_graph
"""
FILTERS = frozenset(_FILTERS_LISTED.split())
CHAR_FILTERS = frozenset({"html_strip", "mapping", "pattern_replace"})


@dataclass(frozen=True, slots=True)
class Analysis:
    """The names that mappings of one index may use."""

    analyzers: frozenset[str] = ANALYZERS
    normalizers: frozenset[str] = NORMALIZERS
    similarities: frozenset[str] = SIMILARITIES
    lowercasing: frozenset[str] = field(default=NORMALIZERS)


def from_settings(settings: Mapping[str, Any]) -> Analysis:
    """What flat settings define. Raises ElasticError 400 where a custom analyzer names parts that do not exist."""
    parts = _Parts.of(settings)
    analyzers = group(settings, "index.analysis.analyzer.")
    for name, own in analyzers.items():
        _check_analyzer(name, own, parts)
    normalizers = group(settings, "index.analysis.normalizer.")
    for name, own in normalizers.items():
        parts.check("Custom normalizer", name, own)
    folding = {name for name, own in normalizers.items() if "lowercase" in _listed(own, "filter")}
    return Analysis(
        analyzers=ANALYZERS | set(analyzers),
        normalizers=NORMALIZERS | set(normalizers),
        similarities=SIMILARITIES | set(group(settings, "index.similarity.")),
        lowercasing=NORMALIZERS | folding,
    )


def tokens(text: str) -> list[str]:
    """The terms of a text: runs of letters and digits in lower case."""
    return [word.lower() for word in _WORD.findall(text)]


@dataclass(frozen=True, slots=True)
class _Parts:
    tokenizers: frozenset[str]
    filters: frozenset[str]
    char_filters: frozenset[str]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "_Parts":
        return cls(
            TOKENIZERS | set(group(settings, "index.analysis.tokenizer.")),
            FILTERS | set(group(settings, "index.analysis.filter.")),
            CHAR_FILTERS | set(group(settings, "index.analysis.char_filter.")),
        )

    def check(self, kind: str, name: str, own: Mapping[str, Any]) -> None:
        for part in _listed(own, "char_filter"):
            if part not in self.char_filters:
                raise illegal(f"{kind} [{name}] failed to find char_filter under name [{part}]")
        for part in _listed(own, "filter"):
            if part not in self.filters:
                raise illegal(f"{kind} [{name}] failed to find filter under name [{part}]")


def _check_analyzer(name: str, own: Mapping[str, Any], parts: _Parts) -> None:
    type, tokenizer = own.get("type"), own.get("tokenizer")
    if type is None and tokenizer is None:
        raise illegal(f"analyzer [{name}] must specify either an analyzer type, or a tokenizer")
    if type not in (None, "custom"):
        if type not in ANALYZERS:
            raise illegal(f"Unknown analyzer type [{type}] for [{name}]")
        return
    if tokenizer is None:
        raise illegal(f"analyzer [{name}] must be configured with a tokenizer")
    if tokenizer not in parts.tokenizers:
        raise illegal(f"Custom Analyzer [{name}] failed to find tokenizer under name [{tokenizer}]")
    parts.check("Custom Analyzer", name, own)


def _listed(own: Mapping[str, Any], key: str) -> list[str]:
    value = own.get(key, [])
    if isinstance(value, list):
        return value
    return [part.strip() for part in str(value).split(",") if part.strip()]
