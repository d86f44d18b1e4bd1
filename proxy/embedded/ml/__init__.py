"""The machine-learning half of the layer: data frame analytics that really run.

- `analysis`, `config`: from a body to a checked configuration
- `jobs`: the jobs, their state and progress; `naming`: ids and expressions
- `indices`: what jobs ask of the indices, through whatever backend they are shown
- `validation`: source against destination; `fields`: which fields an analysis takes
- `start`: the checks of `_start`, in Elasticsearch's order; `run`: what happens after it
- `prepare`: the destination index; `copying`: the documents; `numbers`: their values; `results`: what is written
- `outliers`, `neighbours`, `predictions`: the mathematics
- `notes`: notifications of what happens to a job
- `api`, `explain`: the endpoints
"""
