r"""The change-data-capture relay: a database's writes in Kafka, and a correct copy elsewhere.

Data flows one way through five parts, each behind a small protocol:

    source -> relay -> topics -> applier -> target
                 \-- checkpoint      \-- applied positions, in the target itself

* A **source** (`cdc.sources`) reads a database's log and yields *events*: a transaction begins, a
  row changed, it committed. Nothing uncommitted ever leaves a source.
* The **relay** (`cdc.relay`) turns changes into *envelopes*, hands them to Kafka, and tells the
  source how far it may forget only when Kafka has everything before that and a *checkpoint* says
  so.
* **Kafka** (`cdc.kafka`): one topic for each table, order for each key.
* The **applier** (`cdc.applier`) writes envelopes into the target, and the positions it has
  reached in the same transaction: the copy is exactly-once in effect.
* **Reconcile** (`cdc.reconcile`) compares both sides row by row and repairs through the same pipe.

A *marker* is a row written into the source's log and seen again at the end of the pipe: when every
partition has reported it, everything before it has been applied.

`change`, `envelope`, `mapping`, `snapshot`, `pgoutput`, `murmur2` and `config` are pure.
"""
