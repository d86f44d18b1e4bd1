"""Privilege rules: YAML in, compiled `Rules` out, and the verdict over one start.

- `source`: strict YAML with positions; `values`: single values out of it, every fault noted;
- `forms`, `language`: which keys and values a rule file may hold; `places`: where a fault inside a value stands;
- `schema` joins the parts: `requirements`, `trusted`, `overrides`, `flows`, `guards` (conditions: `cel`), `mappings`,
  `break_glass` (vouched for: `signed`), `ids`; `overlap`: what makes no difference; `seal`: nothing is lost unnoticed;
- `compiled`: what they compile to; `load`: the only module that reads files; `formatted`: the canonical form;
- `role_files`, `role_parts`: files of roles in Elasticsearch's own format;
- `situation`: all that a verdict depends on besides the rules; `subjects`: which identity is asked what;
- `evaluate`: the one evaluator, deny by default, with `required` and `granted` (privileges), `matching` (flows),
  `conditions` (guards), `exceptional` (break-glass);
- `verdict`: what it comes to; `reason`: its text for the client; `explained`: all of it as plain values;
- `recorded`: a situation in a record, and out of it again.
"""

from proxy.rules.compiled import (
    START_ACTION,
    Authority,
    CreateAs,
    OnRefusedStart,
    Origin,
    Override,
    Requirement,
    Rules,
    Setting,
    SubjectKind,
    Trusted,
)
from proxy.rules.evaluate import judge
from proxy.rules.explained import explanation, in_short
from proxy.rules.granted import roles_of
from proxy.rules.load import CASES_SUFFIX, load
from proxy.rules.overrides import settings_for
from proxy.rules.reason import described, refusal_reason, unauthorized_start
from proxy.rules.recorded import NotRecorded, from_record, to_record
from proxy.rules.required import held_by_role_files
from proxy.rules.situation import Request, RunningJob, Situation, SourceName, Target, Unknown
from proxy.rules.subjects import Subject, Subjects, asked_of, is_trusted, source_names, subjects_of
from proxy.rules.verdict import Answer, Outcome, Reason, ReasonKind, Step, StepKind, Verdict, Warned

__all__ = [
    "CASES_SUFFIX",
    "START_ACTION",
    "Answer",
    "Authority",
    "CreateAs",
    "NotRecorded",
    "OnRefusedStart",
    "Origin",
    "Outcome",
    "Override",
    "Reason",
    "ReasonKind",
    "Request",
    "Requirement",
    "Rules",
    "RunningJob",
    "Setting",
    "Situation",
    "SourceName",
    "Step",
    "StepKind",
    "Subject",
    "SubjectKind",
    "Subjects",
    "Target",
    "Trusted",
    "Unknown",
    "Verdict",
    "Warned",
    "asked_of",
    "described",
    "explanation",
    "from_record",
    "held_by_role_files",
    "in_short",
    "is_trusted",
    "judge",
    "load",
    "refusal_reason",
    "roles_of",
    "settings_for",
    "source_names",
    "subjects_of",
    "to_record",
    "unauthorized_start",
]
