"""SQLite as a source: triggers write each change into a table of the same file, in the same commit.

**Which rows belong together.** A trigger cannot know its transaction: whatever it sees in the
database looks the same to a later transaction, and no connection shows it a number for the present
one. But SQLite has one writer at a time, and a reader sees whole commits only. So whoever holds the
write lock sees a log in which every entry is committed, and its end is the end of a transaction.
The source takes the lock for a moment when there is something new, and writes that end down (a
*cut*). What lies between two cuts is one transaction or several whole ones, and goes out as one.
The cuts stand in the file, are only ever added at the end, and are shared by all streams, so every
reader finds the same transactions with the same positions and indexes at any time.

A transaction's position is the number of its first entry, and reading goes on after the last one.
Numbers are never used twice, and grow in the order of commits.

**Time.** SQLite keeps no time of a commit: a transaction has the time of its first change.

**Forgetting.** Each stream has a row with the position it has confirmed, and entries are deleted
below the least of them. A stream that is no longer wanted must be undone, or the log grows.

**Loop prevention.** As the end of an applier's transaction cannot be seen, its connections label
what they write (`label_session`): entries with different labels are of different transactions.

**A change of schema.** The triggers name the table's columns. `ALTER TABLE … ADD COLUMN`, or a
table that is made anew (as Django's migrations do), leaves them outdated or drops them. The source
compares them whenever the schema has changed, and stops. `ALTER TABLE … DROP COLUMN` is refused by
SQLite while triggers name the column: undo the stream before, and set it up again afterwards. To
lose nothing, keep writers away from a migration until the preflight has run again.

**Not seen**: what is written with triggers out of the way (a file that is edited by replacing it,
`PRAGMA writable_schema`, DROP TABLE), and rows that REPLACE removes from under a BEFORE trigger of
the application that itself writes to the same table.
"""

from cdc.label import label_session
from cdc.sources.sqlite.control import SqliteControl
from cdc.sources.sqlite.preflight import SqlitePreflight
from cdc.sources.sqlite.source import SqliteSource

__all__ = ["SqliteControl", "SqlitePreflight", "SqliteSource", "label_session"]
