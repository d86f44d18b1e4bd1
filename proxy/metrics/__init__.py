"""What is counted, by whom, and how it gets to whoever asks. Nothing here knows Prometheus.

- `families`   every metric with its kind, labels and meaning: the one table of names
- `spread`     counting, as cheap as it gets: buckets, and the answers of one node
- `snapshot`   what one process tells of itself at one moment; `Telling` gathers it
- `vitals`     what every process tells: memory, processor time, descriptors, how late its event loop is
- `teller`     a process's end of the socket: tells its snapshot whenever it is asked
- `collector`  the other end: asks all processes at once, and keeps what the dead last told
- `totals`     adds up snapshots, so that no sum goes back when a process dies
"""
