"""The one intercepted call: `POST _ml/data_frame/analytics/<id>/_start`.

`app` listens on the Unix socket and joins the parts; `flow` is the straight line of a start. Each step is a module of
its own, in this order:

- `request` reads what was asked [pure], `answer` words what is answered [pure];
- `identify` who asks, and for which job;
- `authorise` against the rules;
- `plan` the destination [pure];
- `preview` tells the plan as a document, where that alone is asked for [pure];
- `record` makes the journal's records, `record_request` what they hold of the request [pure];
- `create` the destination, and remove it again where the start was refused;
- `follow` the job to its real end;
- `owed` outcomes are recorded once the journal takes them;
- `reconcile` what a crash left open, by what is `found`;
- `observing`, `observe*` record calls that are no starts, and know who made a job; `fold` counts what is repeated.

`flight` is what is known of a start so far; `rules_in_force` has the rules that judge it, each `generation` of them.
`ports` says what the steps need of the cluster, the journal and the clock; `cluster` and `journal` satisfy it.
"""
