"""Records as a relay writes them, in short."""

from __future__ import annotations

import json


class Script:
    """Writes a stream's records to a scripted reader: one position per call, like transactions."""

    def __init__(self, reader, prefix="shop", epoch=1, incarnation=1):
        self.reader, self.prefix = reader, prefix
        self.epoch, self.incarnation, self.position = epoch, incarnation, 0
        self.seq = 0

    def headers(self, index=0, position=None, epoch=None):
        position = self.position if position is None else position
        id_ = f"{self.incarnation}/{position:016x}/{index}"
        return (("id", id_.encode()), ("epoch", str(epoch or self.epoch).encode()))

    def put(self, table, row, *, partition=0, key=("id",), op="c", unavailable=(), **where):
        value = {"before": None, "after": row, "op": op}
        if unavailable:
            value["unavailable"] = list(unavailable)
        return self._row(table, {name: row[name] for name in key}, value, partition, **where)

    def drop(self, table, key, *, partition=0, **where):
        value = {"before": key, "after": None, "op": "d"}
        return self._row(table, key, value, partition, **where)

    def truncate(self, table, partitions):
        self.position += 1
        value = json.dumps({**self._source(), "before": None, "after": None, "op": "t"}).encode()
        for partition in partitions:
            topic = f"{self.prefix}.{table}"
            self.reader.deliver(
                topic, partition, b'{"truncate":true}', value, self.headers(partition)
            )

    def marker(self, tables, partitions, kind="barrier", body=None):
        self.position += 1
        self.seq += 1
        marker = {"kind": kind, "seq": self.seq, "body": body or {}}
        value = json.dumps({**self._source(), "op": "m", "marker": marker}).encode()
        index = 0
        for table in tables:
            for partition in partitions:
                key = json.dumps({"marker": kind}).encode()
                topic = f"{self.prefix}.{table}"
                self.reader.deliver(topic, partition, key, value, self.headers(index))
                index += 1
        return self.seq

    def _row(self, table, key, value, partition, *, position=None, index=0, epoch=None):
        if position is None:
            self.position += 1
        body = json.dumps({**self._source(), **value}).encode()
        topic = f"{self.prefix}.{table}"
        headers = self.headers(index, position, epoch)
        return self.reader.deliver(topic, partition, json.dumps(key).encode(), body, headers)

    def _source(self):
        return {"source": {"ts_ms": 1_763_631_000_000}, "ts_ms": 1_763_631_000_000}
