"""MariaDB and MySQL as a source: the binlog in row format.

`MysqlSource` reads the log in a child process (`reader`), `MysqlControl` is the ordinary sessions,
`MysqlPreflight` sets a server up. What a column becomes:

| column | kind | value |
|---|---|---|
| TINYINT … BIGINT, signed or not, TINYINT(1) | integer | the log does not know TINYINT(1) |
| YEAR | integer | `2026`; `0` for 0000 |
| FLOAT, DOUBLE | float | FLOAT as the shortest number that is the same FLOAT |
| DECIMAL | decimal | with all its digits: `"0.10"` |
| CHAR, VARCHAR, TEXT, MariaDB's JSON | text | whatever its character set |
| BINARY, VARBINARY, BLOB | binary | BINARY(n) filled up to n with zero bytes |
| GEOMETRY and its kin | binary | the server's form: SRID (4 bytes, little endian), then WKB |
| DATE | date | zero and partial dates as they are: `"2026-00-15"` |
| TIME | time | `"-838:59:59.5"`; zeros at the end of the fraction are left out |
| DATETIME | timestamp | as it is written, without a zone |
| TIMESTAMP | timestamptz | in UTC; the zero timestamp is `"0000-00-00 00:00:00+00"` |
| JSON of MySQL | json | the text as the server writes it |
| UUID of MariaDB | uuid | as the server shows it; the log has bytes, the type is asked for |
| INET4, INET6 of MariaDB | other | likewise |
| ENUM | other | its name; `""` for the value that is none |
| SET | other | the names, with commas |
| BIT(n) | other | n digits: `"00000101"` |
"""

from cdc.sources.mysql.control import MysqlControl
from cdc.sources.mysql.preflight import MysqlPreflight
from cdc.sources.mysql.source import MysqlSource

__all__ = ["MysqlControl", "MysqlPreflight", "MysqlSource"]
