"""Conditions of guards in CEL, the expression language of Kubernetes' admission policies.

- `variables`: the one table of what a condition may look at and call; `limits`: what it may cost;
- `messages`, `language`: the table as types for the library, which parses, checks and evaluates;
- `tree`: a checked expression as values; `check`: our subset and static bounds; `cost`: a bound before evaluation;
- `diagnosis`: the library's errors as operators read them; `errors`: what is raised;
- `condition`: text in, compiled condition out; `environment`: the values of one start;
- `memory`, `json_values`: sizes and JSON from the cluster.

The library and why it was chosen: docs/decisions/080-the-library-for-guards.md.
"""

from proxy.rules.cel.condition import Condition, compile_condition
from proxy.rules.cel.environment import Environment, environment_of
from proxy.rules.cel.errors import BadCondition, GuardFailed
from proxy.rules.cel.variables import FUNCTIONS, MACROS, VARIABLES, Function, Kind, Variable

__all__ = [
    "FUNCTIONS",
    "MACROS",
    "VARIABLES",
    "BadCondition",
    "Condition",
    "Environment",
    "Function",
    "GuardFailed",
    "Kind",
    "Variable",
    "compile_condition",
    "environment_of",
]
