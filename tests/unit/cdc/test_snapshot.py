from cdc.snapshot import Run, Touched

ROWS = [(1,), (2,), (3,)]


def sees(*xids):
    return lambda xid: xid in xids


def test_an_untouched_chunk_is_sent_whole():
    assert Touched().judge("t", ROWS, None).send == [0, 1, 2]


def test_a_row_changed_between_the_markers_comes_by_the_log():
    touched = Touched()
    touched.low()
    touched.touch("7", "t", (2,), whole=True)
    verdict = touched.judge("t", ROWS, None)
    assert (verdict.send, verdict.again) == ([0, 2], [])


def test_where_the_place_decides_a_change_before_the_low_marker_is_in_the_chunk():
    touched = Touched()
    touched.touch("7", "t", (2,), whole=True)
    touched.low()
    assert touched.judge("t", ROWS, None).send == [0, 1, 2]


def test_where_visibility_decides_a_commit_before_the_low_marker_may_be_missing():
    touched = Touched()
    touched.touch("7", "t", (2,), whole=True)
    touched.touch("8", "t", (3,), whole=True)
    touched.low()
    assert touched.judge("t", ROWS, sees("8")).send == [0, 2]


def test_another_table_with_the_same_key_is_another_row():
    touched = Touched()
    touched.touch("7", "other", (2,), whole=True)
    assert touched.judge("t", ROWS, sees()).send == [0, 1, 2]


def test_a_change_that_carried_part_of_a_row_has_it_read_again():
    touched = Touched()
    touched.touch("7", "t", (2,), whole=False)
    verdict = touched.judge("t", ROWS, sees())
    assert (verdict.send, verdict.again) == ([0, 2], [1])


def test_a_whole_row_before_or_after_a_partial_change_is_enough():
    for order in ([True, False], [False, True]):
        touched = Touched()
        for xid, whole in zip("78", order, strict=True):
            touched.touch(xid, "t", (2,), whole=whole)
        verdict = touched.judge("t", ROWS, sees())
        assert (verdict.send, verdict.again) == ([0, 2], [])


def test_a_truncate_that_the_chunk_does_not_contain_leaves_nothing():
    touched = Touched()
    touched.truncate("7", "t")
    assert touched.judge("t", ROWS, sees()).send == []
    assert touched.judge("t", ROWS, sees("7")).send == [0, 1, 2]


def test_a_chunk_that_lacks_transactions_of_unknown_keys_is_not_trusted():
    touched = Touched(frozenset({"5", "6"}))
    assert not touched.trustworthy(sees("5"))
    assert touched.unknown == {"6"}
    assert touched.trustworthy(sees("6"))
    assert Touched(frozenset({"5"})).trustworthy(None)


def test_what_later_chunks_contain_is_forgotten():
    touched = Touched()
    touched.touch("7", "t", (2,), whole=True)
    touched.touch("8", "t", (3,), whole=True)
    touched.forget(sees("7"))
    assert touched.judge("t", ROWS, sees()).send == [0, 1]


def test_a_run_survives_its_checkpoint():
    run = Run("snapshot-3", "t", where="id < 100").advanced((2, "x"), 2, last=False)
    assert Run.from_json(run.to_json()) == run
    repair = Run("repair-4", "t", keys=((1,), (2,)))
    assert Run.from_json(repair.to_json()) == repair


def test_an_empty_last_chunk_keeps_the_last_key():
    run = Run("initial", "t").advanced((9,), 5, last=False).advanced(None, 0, last=True)
    assert (run.after, run.rows, run.done) == ((9,), 5, True)
