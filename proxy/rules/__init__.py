"""Privilege rules: YAML in, a compiled `Rules` out, and the verdict over one start.

- `source`: strict YAML with positions; every fault at once;
- `schema`: which keys and values a rule file may hold, and the compiled `Rules`;
- `load`: the only module that reads files;
- `subjects`: which identity is asked what;
- `verdict`: the decision, deny by default; `reason`: its text for the client.
"""

from proxy.rules.compiled import Authority, CreateAs, OnRefusedStart, Origin, Requirement, Rules, SubjectKind, Trusted
from proxy.rules.load import load
from proxy.rules.reason import refusal_reason
from proxy.rules.subjects import Subject, Subjects, asked_of, is_trusted, subjects_of
from proxy.rules.verdict import Answer, Reason, ReasonKind, Unknown, Verdict, judge

__all__ = [
    "Answer",
    "Authority",
    "CreateAs",
    "OnRefusedStart",
    "Origin",
    "Reason",
    "ReasonKind",
    "Requirement",
    "Rules",
    "Subject",
    "SubjectKind",
    "Subjects",
    "Trusted",
    "Unknown",
    "Verdict",
    "asked_of",
    "is_trusted",
    "judge",
    "load",
    "refusal_reason",
    "subjects_of",
]
