"""Single-row commits at a fixed rate: `python -m bench.relay.writer URL FIRST ROWS RATE`.

A process of its own, so that reading does not delay writing. A commit that is late does not delay
the next one's due time. Prints a JSON list: the moment (monotonic clock, which all processes of a
machine share) at which each commit had returned, in the order of the rows.
"""

from __future__ import annotations

import json
import sys
import time

import psycopg

from bench.relay.rows import INSERT


def write(url: str, first: int, rows: int, rate: int) -> list[float]:
    """Write the rows; when each was committed."""
    done = []
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        begin = time.monotonic() + 0.1
        for n in range(rows):
            wait = begin + n / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            cursor.execute(INSERT.encode(), (first + n, first + n), prepare=True)
            done.append(time.monotonic())
    return done


if __name__ == "__main__":
    print(json.dumps(write(sys.argv[1], *map(int, sys.argv[2:5]))))
