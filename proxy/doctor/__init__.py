"""`startgate doctor`: looks at everything that a Startgate needs, and says of each thing what to do about it.

- `model`: what is found, and which checks there are;
- `ask`: the questions to the cluster, of which each may be refused; `reach`: one connection to somebody;
- `nodes`, `features`, `credential`, `bypass`: what the answers mean;
- `journal`, `host`, `certificates`: this machine's files and limits;
- `running`, `holders`, `replicas`: a Startgate that runs here, and those that run elsewhere;
- `sinks`: whom copies of the record go to;
- `examine`: all of it, in order; `show`: as lines.

Nothing is ever changed on the cluster: every question is one that reads. On this machine a file of some KiB is written
into the journal's folder and removed again, to see how long the disk takes. See
docs/decisions/128-what-the-doctor-may-do.md.
"""
