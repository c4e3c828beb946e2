from types import SimpleNamespace

import pytest

from cdc.config import SYNC, Stream
from cdc.config.model import (
    Delivery,
    Kafka,
    Limits,
    Mask,
    Sasl,
    TableSync,
    Topics,
    UnknownColumns,
)
from strangler.kit.compose import compose
from strangler.kit.reader import Reader

ENV = {
    "DB": "postgresql://shop:hunter2@db/shop",
    "NEW": "mysql://reviews:hunter2@new/reviews",
    "SALT": "hunter2-hunter2-",
    "PASSWORD": "hunter2",
    "SHORT": "hunter2",
    "EMPTY": "",
}


def read(text, env=ENV):
    root, problems = compose(text, env)
    reader = Reader()
    value = SYNC.read(root, reader)
    told = [f"{p.line}:{p.column}: {p.message}" for p in (*problems, *sorted(reader.problems))]
    return SimpleNamespace(value=value, told=told, text="\n".join(told))


def test_a_stream_of_two_keys():
    got = read("reviews: {source: '${DB}', tables: [reviews_review, public.x]}")
    assert got.told == []
    assert got.value == {
        "reviews": Stream(
            "reviews",
            "postgresql://shop:hunter2@db/shop",
            (TableSync("reviews_review", "reviews_review"), TableSync("public.x", "public.x")),
            Topics("reviews"),
        )
    }
    assert "hunter2" not in repr(got.value)


def test_a_stream_of_all_keys():
    got = read("""\
reviews:
  source: ${DB}
  target: ${NEW}
  owner: team-catalog
  kafka:
    brokers: [k1:9092, "[::1]:9093"]
    tls: true
    ca: /etc/ca.pem
    username: relay
    password: ${PASSWORD}
    sasl: SCRAM-SHA-256
    certificate: /etc/client.pem
    key: /etc/client.key
  topics: {prefix: shop.reviews, partitions: 8, replication: 3, retention: 1h, compact: true}
  delivery: exactly_once
  outbox: shop_outbox
  unknown_columns: ignore
  heartbeat: 0
  limits: {record: 1KiB, memory: 1MiB, spill: 2MiB, retained_warn: 3, retained_stop: 4,
           lag: 1m, chunk: 7, rate: 9}
  tables:
  - auth_group
  - table: auth_user
    to: people.authors
    key: [id, "Tenant No"]
    include: [id, "Tenant No", username, email, phone]
    mask: {email: {replace: ''}, phone: {hash: "${SALT}"}}
    columns: {username: name}
    convert: services.x:function
    inverse: services.x:other
""")
    assert got.told == []
    stream = got.value["reviews"]
    assert stream == Stream(
        name="reviews",
        source=ENV["DB"],
        target=ENV["NEW"],
        owner="team-catalog",
        kafka=Kafka(
            ("k1:9092", "[::1]:9093"),
            "/etc/ca.pem",
            True,
            "relay",
            "hunter2",
            Sasl.SCRAM_SHA_256,
            "/etc/client.pem",
            "/etc/client.key",
        ),
        topics=Topics("shop.reviews", 8, 3, 3600.0, True),
        delivery=Delivery.EXACTLY_ONCE,
        outbox="shop_outbox",
        unknown_columns=UnknownColumns.IGNORE,
        heartbeat=0.0,
        limits=Limits(1024, 1024**2, 2 * 1024**2, 3, 4, 60.0, 7, 9),
        tables=(
            TableSync("auth_group", "auth_group"),
            TableSync(
                table="auth_user",
                to="people.authors",
                key=("id", "Tenant No"),
                include=("id", "Tenant No", "username", "email", "phone"),
                mask={"email": Mask(replace=""), "phone": Mask(salt=ENV["SALT"])},
                columns={"username": "name"},
                convert="services.x:function",
                inverse="services.x:other",
            ),
        ),
    )
    assert "hunter2" not in repr(stream)


@pytest.mark.parametrize(
    ("kafka", "brokers"),
    [
        ("k:1", ("k:1",)),
        ("'k:1, l:2'", ("k:1", "l:2")),
        ("[k:1, l:2]", ("k:1", "l:2")),
        ("{brokers: 'k:1,l:2'}", ("k:1", "l:2")),
        ("{brokers: ['k:1']}", ("k:1",)),
        ("", ("127.0.0.1:9092",)),
    ],
)
def test_brokers_in_short_and_long(kafka, brokers):
    got = read(f"a:\n  source: ${{DB}}\n  tables: [t]\n  kafka: {kafka}\n")
    assert got.told == []
    assert got.value["a"].kafka == Kafka(brokers)


def test_a_prefix_alone():
    got = read("a: {source: '${DB}', tables: [t], topics: shop.x}")
    assert got.value["a"].topics == Topics("shop.x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {tables: [t]}", "`source` is missing in a stream"),
        ("a: {source: 'sqlite:///a'}", "`tables` is missing in a stream"),
        ("a: {source: 'sqlite:///a', tables: []}", "the list of tables is empty"),
        ("a: {source: 'sqlite:///a', tables: ['x y']}", "`x y` is not a table"),
        ("a: {source: 'sqlite:///a', tables: [x$y]}", "the topic's name takes no others"),
        ("a: {source: shop, tables: [t]}", "this is not the URL of a database"),
        ("a: {source: 'http://[', tables: [t]}", "this is not the URL of a database"),
        ("a: {source: 'mysql://h:x/d', tables: [t]}", "this is not the URL of a database"),
        ("a: {source: 'redis://x', tables: [t]}", "this is not the URL of a database"),
        ("a: {source: 'mysql://h', tables: [t]}", "names a server, but no database"),
        ("a: {source: 'mysql://u:hunter2@h/d', tables: [t]}", "a password stands in this file"),
        ("a: {source: 'mysql://u:hunter2@${SHORT}/d', tables: [t]}", "a password stands in"),
        ("a: {source: '${X:-mysql://u:hunter2@h/d}', tables: [t]}", "a password stands in"),
        ("a: {source: 'mysql://h/d?password=hunter2', tables: [t]}", "a password stands in"),
        ("a: {source: 'mysql://h/d?ssl_key_password=hunter2', tables: [t]}", "a password stands"),
        ("a: {source: 'sqlite:///a', tables: [t], topic: x}", "`topic` is not a key of a stream"),
    ],
)
def test_what_is_no_stream(text, message):
    got = read(text)
    assert got.value == {}
    assert len(got.told) == 1
    assert message in got.text
    assert "hunter2" not in got.text


def test_a_password_of_the_environment_may_stand_in_a_url():
    assert read("a: {source: 'mysql://u:${SHORT}@h/d', tables: [t]}").told == []


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("delivery: exactly-once", "write one of `fenced`, `exactly_once` and `at_least_once`"),
        ("unknown_columns: fail", "write one of `stop` and `ignore`"),
        ("heartbeat: 10", "write `10s`"),
        ("outbox: a.b.c", "`a.b.c` is not a table"),
        ("outbox: t", "`t` is among `tables` too"),
        ("outbox: public.t", "`public.t` is among `tables` too"),
        ("kafka: nohost", "`nohost` is not a broker: write `host:port`"),
        ("kafka: 'a:0'", "is not a broker"),
        ("kafka: {ca: x, tls: false}", "`ca` is for TLS: write `tls: true`, or remove `ca`"),
        ("kafka: {certificate: x, key: y, tls: false}", "`certificate` is for TLS: write `tls"),
        ("kafka: {certificate: x}", "a `certificate` needs a `key`: add the file of its private"),
        ("kafka: {key: x}", "a `key` needs a `certificate`: add the file of the certificate"),
        ("kafka: {sasl: PLAIN, tls: true}", "a `sasl` needs a `username`: add it, with its"),
        (
            "kafka: {username: x, password: '${PASSWORD}', sasl: PLAIN}",
            "`PLAIN` would send the password in the clear: add `tls: true`, or write `sasl: SCRAM-",
        ),
        (
            "kafka: {username: x, password: '${PASSWORD}', sasl: scram}",
            "`scram` is not known here: write one of `PLAIN`, `SCRAM-SHA-256`",
        ),
        ("kafka: {username: x}", "a `username` needs a `password`"),
        ("kafka: {password: '${PASSWORD}'}", "a `password` needs a `username`"),
        ("kafka: {username: x, password: hunter2}", "a password stands in this file"),
        ("kafka: {username: x, password: '${P:-hunter2}'}", "a password stands in this file"),
        ("kafka: {username: x, password: '${EMPTY}'}", "`${EMPTY}` holds 0 bytes"),
        ("kafka: {username: x, password: [hunter2]}", "a password belongs here"),
        ("topics: a b", "`a b` is not a prefix of topics"),
        ("topics: outbox.event", "is where events of outboxes go"),
        ("topics: [x]", "found a list, but a prefix of topics belongs here"),
        (f"topics: {'x' * 237}", "has 250 characters, and Kafka takes 249"),
        ("topics: {partitions: 0}", "write a whole number from 1 to 10000"),
        ("topics: {retention: 0}", "would mean at once"),
        ("limits: {record: 1MB}", "write `1MiB`"),
        ("limits: {retained_warn: 2GiB, retained_stop: 1GiB}", "a warning must come first"),
        ("limits: {retained_stop: 1}", "`retained_warn` (1073741824 bytes) is more than"),
        ("limits: {record: 128MiB}", "one record must fit"),
        ("limits: {spill: 1MiB}", "disk takes what memory does not hold"),
        ("limits: {chunk: 0}", "write a whole number from 1"),
    ],
)
def test_settings_that_are_wrong(key, message):
    got = read(f"a:\n  source: ${{DB}}\n  tables: [t]\n  {key}\n")
    assert message in got.text
    assert "hunter2" not in got.text


def table(keys):
    return read(f"a:\n  source: ${{DB}}\n  tables:\n  - table: t\n    {keys}\n")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            "include: [a]\n    exclude: [b]",
            "6:14: `include` already says which columns leave: remove `exclude`, or `include`",
        ),
        ("inverse: a:b", "5:14: there is no `convert` to undo: add it, or remove `inverse`"),
        ("convert: a.b", "5:14: `a.b` is not a function: write `package.module:function`"),
        ("key: [a, b, a]", "5:17: `a` stands twice in `key`: remove one"),
        (
            "key: [a]\n    exclude: [b, a]",
            "6:18: `a` is part of the key, which always leaves: remove it here",
        ),
        (
            "key: [a]\n    mask: {a: {replace: x}}",
            "6:15: `a` is part of the key, and keys must stay equal on both sides:"
            " remove the mask, or name a key without this column",
        ),
        (
            "exclude: [a]\n    columns: {a: b}",
            "6:18: `a` is excluded, so it never leaves: remove it here, or there",
        ),
        (
            "include: [b]\n    mask: {a: {replace: x}}",
            "6:15: `a` is not among `include`, so it never leaves: add it there, or remove it here",
        ),
        (
            "columns: {a: c, b: c}",
            "5:24: `a` and `b` would both become `c`: give one of them another name",
        ),
        (
            "include: [a, b]\n    columns: {a: b}",
            "6:18: `b` and `a` would both become `b`: give one of them another name",
        ),
        ("include: []", "5:14: the list of columns is empty: write at least one"),
        (
            "columns: {a: ' b'}",
            "5:18: ` b` is not a column: write the name as the database has it,",
        ),
        ("mask: {a: {}}", "5:15: write one of"),
        ("mask: {a: {replace: x, hash: '${SALT}'}}", "5:15: write one of"),
        ("mask: {a: {hash: hunter2}}", "5:22: a salt stands in this file"),
        ("mask: {a: {hash: '${SALT:-hunter2}'}}", "5:22: a salt stands in this file"),
        (
            "mask: {a: {hash: '${SHORT}'}}",
            "5:22: `${SHORT}` holds 7 bytes: with a short one, whoever reads the topics could try"
            " all values; set it to 16 to 64",
        ),
    ],
)
def test_a_table_that_contradicts_itself(keys, told):
    got = table(keys)
    assert len(got.told) == 1
    assert got.told[0].startswith(told)
    assert "hunter2" not in got.text


@pytest.mark.parametrize(
    "keys",
    [
        "columns: {a: b, b: a}",
        "include: [a, b]\n    columns: {a: b, b: a}",
        "key: [a]\n    include: [b]\n    columns: {a: c}",
    ],
)
def test_columns_may_swap_names_and_the_key_always_leaves(keys):
    assert table(keys).told == []


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ("[t, u, t]", "3:18: `t` is in the stream already, as `t`: remove one"),
        ("[t, public.t]", "3:15: `public.t` is in the stream already, as `t`: remove one"),
        (
            "[t, {table: u, to: t}]",
            "3:30: `t` and `u` both fill `t`: give one of them another `to`, or a `convert` that"
            " makes parts of one row of them",
        ),
    ],
)
def test_tables_that_meet(tables, told):
    assert read(f"a:\n  source: ${{DB}}\n  tables: {tables}\n").told == [told]


def test_tables_may_meet_where_a_function_joins_them():
    assert read("a: {source: '${DB}', tables: [t, {table: u, to: t, convert: 'a:b'}]}").told == []


def test_the_database_of_a_url_is_mysqls_default_schema():
    got = read("a: {source: '${NEW}', tables: [t, reviews.t, public.t]}")
    assert got.told == ["1:35: `reviews.t` is in the stream already, as `t`: remove one"]


def test_every_problem_is_told_at_once():
    got = read("""\
a:
  source: shop
  topics: a b
  tables: [t, t, {table: u, key: [a, a]}]
b: {source: '${DB}', tables: [t], nonsense: 1}
""")
    assert [line.split(": ")[0] for line in got.told] == ["2:11", "3:11", "4:15", "4:38", "5:35"]


def test_an_empty_section_has_no_streams():
    assert read("{}").value == {}
