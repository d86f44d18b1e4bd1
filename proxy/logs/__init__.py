"""How all processes log, in one form: lines for people, or the Elastic Common Schema as JSON.

- `settings`: what a process is told of it;
- `levels`: which loggers there are, and how much each tells;
- `form`: an event as a line, whatever stands in it;
- `out`: where lines go: one write for each, in a file that can be opened again;
- `setup`: all of it in this process, and changing it while it runs;
- `passing`: a change on its way from the gate to the supervisor, and from there to all;
- `queued`: lines of which there are many, which nobody waits for.

docs/logs.md says what is logged, and what to do about it.
"""

from proxy.logs.setup import configure

__all__ = ["configure"]
