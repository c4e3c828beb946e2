"""A reader that comes again goes on where it was: nothing twice, nothing lost, nothing else."""

import pytest
from conformance.sources.reading import Reading, signature

from cdc.relay.ports import SourceError
from cdc.sources import open_preflight

ITEM = "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(100), n INTEGER)"


@pytest.fixture
def stream(database):
    database.execute(ITEM)
    return database.stream("item")


def write(database, reading):
    """Transactions of one, two and more rows; some read at once, some together."""
    session = database.session()
    transactions = []
    for n in range(0, 40, 10):
        session.execute(f"INSERT INTO item VALUES ({n}, 'a', 0)")
        session.execute(f"INSERT INTO item VALUES ({n + 1}, 'b', 0), ({n + 2}, 'c', 0)")
        session.execute("BEGIN")
        session.execute(f"UPDATE item SET n = n + 1 WHERE id < {n + 5}")
        session.execute(f"DELETE FROM item WHERE id = {n + 1}")
        session.execute("COMMIT")
        if n % 20 or database.groups:
            transactions += reading.up_to_now()
    return transactions + reading.up_to_now()


def interleave(database, reading):
    """Each transaction begins before the one that commits first has ended."""
    sessions = [database.session() for _ in range(4)]
    for round_ in range(3):
        for number, session in enumerate(sessions):
            session.execute("BEGIN")
            session.execute(f"INSERT INTO item VALUES ({100 * round_ + number}, 'first', 0)")
        for number, session in reversed(list(enumerate(sessions))):
            session.execute(f"INSERT INTO item VALUES ({100 * round_ + 50 + number}, 'last', 0)")
            session.execute("COMMIT")
    return reading.up_to_now()


def again_from_every_commit(database, stream, reading, transactions):
    """Read again from each commit; what comes must be the rest, with the same positions."""
    reading.source.close()
    for index, transaction in enumerate(transactions):
        again = Reading(database, stream, transaction.commit.resume)
        assert again.identity == reading.identity
        assert signature(again.up_to_now()) == signature(transactions[index + 1 :])
        again.source.close()


def test_from_every_commit(database, stream):
    reading = Reading(database, stream)
    transactions = write(database, reading)
    assert len(transactions) >= 4
    again_from_every_commit(database, stream, reading, transactions)


def test_from_every_commit_of_interleaved_transactions(database, stream):
    if not database.interleaves:
        pytest.skip("its writers come one after the other")
    reading = Reading(database, stream)
    transactions = interleave(database, reading)
    assert len(transactions) == 12
    again_from_every_commit(database, stream, reading, transactions)


def test_from_where_reading_began(database, stream):
    reading = Reading(database, stream)
    transactions = write(database, reading)
    reading.source.close()
    again = Reading(database, stream, reading.began_at)
    assert again.began_at == reading.began_at
    assert signature(again.up_to_now()) == signature(transactions)


def test_a_reader_that_stops_in_the_middle_of_a_transaction_gets_all_of_it_again(database, stream):
    reading = Reading(database, stream)
    session = database.session()
    session.execute("INSERT INTO item VALUES (-1, 'before', 0)")
    (before,) = reading.up_to_now()
    session.execute(
        "INSERT INTO item VALUES " + ", ".join(f"({i}, '{'y' * 90}', 0)" for i in range(9_000))
    )
    assert reading.source.read(20.0)
    reading.source.close()
    again = Reading(database, stream, before.commit.resume)
    (transaction,) = again.up_to_now()
    assert len(transaction.rows) == 9_000


def test_none_is_the_present_end(database, stream):
    database.execute("INSERT INTO item VALUES (1, 'before', 0)")
    reading = Reading(database, stream)
    database.execute("INSERT INTO item VALUES (2, 'after', 0)")
    (change,) = reading.changes()
    assert change.after[0] == 2


def test_confirming_lets_the_log_go_and_nothing_that_is_needed(database, stream):
    reading = Reading(database, stream)
    transactions = write(database, reading)
    half = transactions[len(transactions) // 2]
    for each in transactions[: len(transactions) // 2 + 1]:
        reading.source.confirm(each.commit.resume)
    reading.source.read(0.2)
    reading.source.close()
    again = Reading(database, stream, half.commit.resume)
    rest = again.up_to_now()
    assert signature(rest) == signature(transactions[len(transactions) // 2 + 1 :])


def test_confirming_lowers_what_is_retained(database, stream):
    reading = Reading(database, stream)
    session = database.session()
    session.execute("BEGIN")
    for start in range(0, 4_000, 500):
        rows = ", ".join(f"({i}, '{'z' * 100}', 0)" for i in range(start, start + 500))
        session.execute(f"INSERT INTO item VALUES {rows}")
    session.execute("COMMIT")
    (transaction,) = reading.up_to_now()
    before = reading.source.retained()
    reading.source.confirm(transaction.commit.resume)
    for _ in range(30):
        if reading.source.retained() < before / 2:
            break
        database.write_log_out()
        reading.source.confirm(reading.up_to_here())
    assert before > 400_000
    assert reading.source.retained() < before / 2


def test_a_lost_log_is_a_permanent_error_that_says_what_to_do(database, stream):
    reading = Reading(database, stream)
    first, *_ = write(database, reading)
    reading.source.close()
    database.lose_log(stream)
    database.execute("INSERT INTO item VALUES (77, 'later', 0)")
    source = database.source(stream)
    with pytest.raises(SourceError) as raised:
        source.identity()
        source.start(first.commit.resume)
        for _ in range(50):
            source.read(0.1)
    assert raised.value.temporary is False
    assert "snapshot" in str(raised.value)


def test_a_position_that_is_not_reached_yet_is_a_permanent_error(database, stream):
    reading = Reading(database, stream)
    *_, last = write(database, reading)
    reading.source.close()
    source = database.source(stream)
    with pytest.raises(SourceError) as raised:
        source.start(last.commit.resume + 10**9)
    assert raised.value.temporary is False


def test_the_identity_is_that_of_the_log(database, stream):
    first, second = database.source(stream), database.source(stream)
    assert first.identity() == second.identity()
    assert first.identity().facts
    assert first.connector == database.dialect
    assert "suite" in first.database


def test_close_may_be_called_twice_and_before_anything_else(database, stream):
    source, control = database.source(stream), database.control(stream)
    source.close()
    source.close()
    control.close()
    control.close()
    reading = Reading(database, stream)
    reading.source.close()
    reading.source.close()


def test_a_source_that_is_not_set_up_says_what_to_do(database, stream):

    setup = open_preflight(stream)
    setup.undo()
    setup.close()
    source = database.source(stream)
    with pytest.raises(SourceError) as raised:
        source.identity()
        source.start(None)
    assert raised.value.temporary is False
    assert "strangler cdc" in str(raised.value)


def test_setting_up_may_be_repeated_and_leaves_nothing_when_undone(database, stream):

    setup = open_preflight(stream)
    assert not [finding for finding in setup.check() if finding.fatal]
    assert list(setup.apply()) == []
    assert setup.undo()
    assert [finding for finding in setup.check() if finding.fatal]
    assert list(setup.undo()) == []
    assert setup.apply()
    assert not [finding for finding in setup.check() if finding.fatal]
    setup.close()


def test_giving_the_log_up_keeps_nothing(database, stream):
    reading = Reading(database, stream)
    write(database, reading)
    reading.source.close()
    source = database.source(stream)
    source.release()
    if not database.keeps_log:
        pytest.skip("it keeps its log for a time, whoever reads it")
    with pytest.raises(SourceError) as raised:
        source.identity()
        source.start(reading.began_at)
    assert raised.value.temporary is False
    database.execute("INSERT INTO item VALUES (500, 'written all the same', 0)")
