"""A truncate, which every partition of a topic brings a copy of, applied once.

Each partition stops at its copy. Whoever finds all of them standing there lets them all go on, in
the transaction that empties the table: nothing that came before the truncate is written after it.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from cdc.applier.held import Held
from cdc.applier.leases import columns_of, place_of
from cdc.applier.places import all_stand_there, cleared
from cdc.applier.tables import applied_table


def stand_there(connection: Connection, stream: str, topic: str) -> bool:
    """Let all partitions of the topic go on, if all stand there; whether to empty the table.

    What was held of the topic lies before the truncate, and goes with it.
    """
    of_topic = (applied_table.c.stream == stream) & (applied_table.c.topic == topic)
    rows = connection.execute(select(applied_table).where(of_topic).with_for_update()).all()
    places = {row.partition: place_of(row) for row in rows}
    if not all_stand_there(list(places.values())):
        return False
    for number, place in places.items():
        if place.truncate_at:
            connection.execute(
                update(applied_table)
                .where(of_topic, applied_table.c.partition == number)
                .values(columns_of(cleared(place)))
            )
    Held(stream).remove_topic(connection, topic)
    return True
