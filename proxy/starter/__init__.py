"""`startgate init`: a first configuration, and what goes with it.

- `model`: what is wished for, and the files that come of it;
- `config`, `rules`, `credential`, `certificates`, `users`: the files, each as text;
- `files`: all of them together, with what to do next;
- `look`: what can be told of nodes and ports beforehand;
- `place`: writes them: all or none.

See docs/decisions/128-what-the-doctor-may-do.md.
"""
