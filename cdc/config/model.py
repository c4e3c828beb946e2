"""What `sync:` in routes.yaml says, as immutable records. Durations are seconds, sizes bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Delivery(StrEnum):
    """What the relay promises about Kafka."""

    FENCED = "fenced"
    """At least once, and a relay that has been replaced can deliver nothing more."""
    EXACTLY_ONCE = "exactly_once"
    """Fenced, with the checkpoint inside the transaction: readers of committed records see each
    change once. Refused where the broker shows aborted records."""
    AT_LEAST_ONCE = "at_least_once"
    """Idempotent but not fenced: the lowest latency; every consumer must compare epochs."""


class UnknownColumns(StrEnum):
    """What the applier does with a column that the target lacks."""

    STOP = "stop"
    """Stop and say so: nothing is lost while someone decides."""
    IGNORE = "ignore"
    """Leave it out, and count it."""


class Sasl(StrEnum):
    """How a user proves who they are."""

    PLAIN = "PLAIN"
    """The password itself is sent: under TLS only."""
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    """The password is proved and never sent."""
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    """Likewise."""


@dataclass(frozen=True, slots=True)
class Mask:
    """What leaves the source's host instead of a column's value. NULL stays NULL."""

    replace: str | None = None
    """A constant that takes the value's place; None for a hash."""
    salt: str | None = field(default=None, repr=False)
    """Salt of a BLAKE2b-256 hash, written in hexadecimal; None for a constant."""


@dataclass(frozen=True, slots=True)
class TableSync:
    """One table of a stream, and what becomes of it in the target."""

    table: str
    """`table` or `schema.table` at the source."""
    to: str
    """The target's table; the source's name where nothing else is said."""
    key: tuple[str, ...] = ()
    """Columns that identify a row, for a table without a primary key; () for the primary key."""
    include: tuple[str, ...] = ()
    """The only columns that leave the source; () for all. The key always does."""
    exclude: tuple[str, ...] = ()
    """Columns that never leave the source."""
    mask: Mapping[str, Mask] = field(default_factory=lambda: MappingProxyType({}))
    """By source column. A masked column never leaves the source's host in the clear."""
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Source column to target column, where the names differ."""
    convert: str | None = None
    """`package.module:function`, called by the applier with the row as a dict by target column."""
    inverse: str | None = None
    """The function that undoes `convert`, for the reverse direction; None where there is none."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """Where the topics are."""

    brokers: tuple[str, ...] = ("127.0.0.1:9092",)
    """`host:port`; `--kafka` and STRANGLER_KAFKA take precedence."""
    ca: str | None = None
    """File of the certificate authority; it alone means TLS."""
    tls: bool = False
    """Whether connections are encrypted though no file of TLS's is named."""
    username: str | None = None
    """For SASL; None for nobody, or for whom the certificate names."""
    password: str | None = field(default=None, repr=False)
    """From the environment, and shown nowhere."""
    sasl: Sasl | None = None
    """What the file says; `mechanism` is what is used."""
    certificate: str | None = None
    """File of the client's certificate and its chain; it alone means TLS."""
    key: str | None = None
    """File of the certificate's private key."""

    @property
    def encrypted(self) -> bool:
        """Whether connections use TLS."""
        return self.tls or self.ca is not None or self.certificate is not None

    @property
    def mechanism(self) -> Sasl | None:
        """SASL's mechanism; None without a user.

        By default the one that every broker has. Without TLS it would send the password in the
        clear, so then it is the one that sends none.
        """
        if self.username is None:
            return None
        return self.sasl or (Sasl.PLAIN if self.encrypted else Sasl.SCRAM_SHA_512)


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of a stream: `PREFIX.TABLE` for each table, and `PREFIX.dead-letters`."""

    prefix: str
    partitions: int = 4
    """Pinned at the first start: a key must stay in its partition."""
    replication: int = 1
    retention: float = 7 * 86400.0
    compact: bool = False
    """`cleanup.policy=compact,delete`, with tombstones after deletes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a stream, and when to warn."""

    record: int = 1_000_000
    """Bytes of the largest record; a larger one goes to the dead letters."""
    memory: int = 32 * 1024 * 1024
    """Bytes of changes that the relay holds before it stops reading."""
    spill: int = 32 * 1024**3
    """Bytes of disk for transactions that are not yet committed."""
    retained_warn: int = 1024**3
    """Bytes of the source's log kept for the relay before a warning."""
    retained_stop: int = 16 * 1024**3
    """Bytes after which the relay gives the log up, so that the source's disk survives."""
    lag: float = 30.0
    """Seconds from commit to applied before a warning."""
    chunk: int = 5_000
    """Rows of a snapshot's chunk."""
    rate: int | None = None
    """Rows a second at most while a snapshot runs; None for as fast as it goes."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One configured sync: tables of a source, and the database they are copied into."""

    name: str
    source: str = field(repr=False)
    """URL of the database the tables are read from; may hold a password, so it is never shown."""
    tables: tuple[TableSync, ...]
    """In file order."""
    topics: Topics
    target: str | None = field(default=None, repr=False)
    """URL of the database they are copied into; None for a stream without an applier."""
    owner: str | None = None
    """The team to ask."""
    kafka: Kafka = Kafka()
    delivery: Delivery = Delivery.FENCED
    outbox: str | None = None
    """Table at the source whose inserted rows become events on `outbox.event.<aggregatetype>`."""
    unknown_columns: UnknownColumns = UnknownColumns.STOP
    heartbeat: float = 10.0
    """Seconds between markers of an idle stream; they let the source's log be released."""
    limits: Limits = Limits()
    reverse: bool = False
    """Whether this is the reverse direction of a stream in the file, made by `reversed_stream`."""

    @property
    def two_way(self) -> bool:
        """Whether its opposite may write into its source, so that those writes must be known."""
        return self.reverse or self.target is not None
