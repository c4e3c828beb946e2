"""What becomes of the places of a topic that is the stream's no more, and of one that comes back.

A place that nobody moves on would hold every marker back, so it is put aside under a name that no
stream has. It is taken up again where the topic comes back: what was applied from it then stays
known, above all the marker that said that the table was complete, long before what was missed.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, select, update

from cdc.applier.ports import TopicPartition
from cdc.applier.tables import applied_table, filled_table

_T, _F = applied_table.c, filled_table.c


def put_aside(
    connection: Connection, stream: str, topics: Collection[str], targets: Collection[str]
) -> None:
    """The places of all topics but these; the tables of all but these `targets` are not filled."""
    mine = _T.stream == stream
    for topic in connection.execute(
        select(_T.topic).distinct().where(mine, _T.topic.not_in(topics))
    ).scalars().all():  # fmt: skip
        aside = (_T.stream == _aside(stream)) & (_T.topic == topic)
        connection.execute(delete(applied_table).where(aside))
        connection.execute(
            update(applied_table)
            .where(mine, _T.topic == topic)
            .values(stream=_aside(stream), lease_owner=None, lease_until=0)
        )
    connection.execute(delete(filled_table).where(_F.stream == stream, _F.name.not_in(targets)))


def take_up(connection: Connection, stream: str, partition: TopicPartition) -> bool:
    """A place that was put aside; whether there was one. Its topic is read from the start again.

    Offsets count in the topic they were taken from, which may be gone; ids are for good.
    """
    topic, number = partition
    here = (_T.stream == _aside(stream)) & (_T.topic == topic) & (_T.partition == number)
    done = connection.execute(
        update(applied_table)
        .where(here)
        .values(
            stream=stream,
            next_offset=None,
            topic_id=None,
            truncate_at=None,
            complete_seq=0,
        )
    )
    return done.rowcount > 0


def _aside(stream: str) -> str:
    return f"~{stream}"
