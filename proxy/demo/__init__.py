"""`startgate demo`: a newcomer's first minute, with the real proxy and real data.

- `data`: the flights, the indices, users and jobs that the walk needs;
- `place`: everything running: an embedded cluster, the proxy's own processes, a folder with configuration and journal;
- `client`: one request through the proxy, and the curl line that repeats it;
- `walk`: the steps; `show`: how they look in a terminal.
"""
