from strangler.demo.failure import TAIL_LINES, tail


def test_the_last_lines(tmp_path):
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert tail(log)[-1] == "line 99999"
    assert len(tail(log)) == TAIL_LINES


def test_no_log_has_no_lines(tmp_path):
    assert tail(tmp_path / "log") == ()
