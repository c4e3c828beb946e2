"""Side-by-side benchmarks of the relay against real peers.

`python -m bench.relay` starts one PostgreSQL and one Apache Kafka, writes rows, and then lets each
reader in turn read the same log: pg_recvlogical (into a file: the limit of any reader of this
protocol), Debezium on Kafka Connect, and `strangler cdc run`. The writer has ended before a reader
starts. Readers alternate within each round, and ratios are taken within their round.
"""
