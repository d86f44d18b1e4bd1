"""The CEL environment that conditions are compiled in: made once, from the table of variables alone."""

from cel_expr_python import cel

from proxy.rules.cel.messages import POOL, types

# The one variable of TRIALS: literals are tried in it when rules are loaded.
TRIED = "tried"

# No extensions: what they offer (splitting, formatting) makes large values out of small ones.
LANGUAGE = cel.NewEnv(POOL, variables=types())
TRIALS = cel.NewEnv(variables={TRIED: cel.Type.STRING})
