"""Copies of the journal elsewhere. The journal on the disk stays the record; a sink that is lost loses nothing.

- `model` is what all share: a record on its way, what a sink took, how far behind it is, and the protocol `Sink`;
- `cursor` is how far a sink has come, kept beside the journal, and who may move it;
- `source` reads the records after a cursor, over all files of the journal;
- `rejected` keeps what a sink will never take; `pace` says how long to wait after a failure;
- `shipper` moves one sink on, `fleet` all sinks of a gate, `sinks` makes them from the settings;
- `stream` (a data stream in Elasticsearch), `syslog`, `webhook` and `stdout` are the sinks;
- `templates` and `mapping` are what the data stream needs in the cluster, `install` puts it there, `check` tells
  whether the stream holds what the journal holds, by asking it (`compare`); `panels` and `dashboard` are what Kibana
  shows of it.

A data stream gets each record exactly once, the other sinks at least once, and in order.
"""
