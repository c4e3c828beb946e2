from strangler.admin.files import with_files
from strangler.config.load import check
from strangler.kit.problems import Severity

TEXT = """\
version: 1
gateway: {tls: {certificate: CERT, key: KEY}}
upstreams:
  legacy:
    endpoints: [https://127.0.0.1:8000]
    tls: {ca: CA}
  plain:
    endpoints: [http://127.0.0.1:8001]
    tls: {ca: nobody-reads-it.pem}
default: legacy
"""


def found(text, severity):
    return with_files(check(text, env={}), text, severity)


def test_missing_files_are_told_at_their_place():
    checked = found(TEXT, Severity.WARNING)
    assert checked.table is not None
    assert [(p.line, p.column) for p in checked.warnings] == [(2, 30), (2, 41), (6, 15)]
    assert "there is no file `CA`" in checked.warnings[-1].message


def test_a_gateway_cannot_use_such_a_table():
    checked = found(TEXT, Severity.ERROR)
    assert checked.table is None
    assert len(checked.errors) == 3


def test_files_that_are_there_are_nothing_to_tell(tmp_path):
    text = TEXT
    for name in ("CERT", "KEY", "CA"):
        (tmp_path / name).write_text("")
        text = text.replace(f": {name}", f": {tmp_path / name}")
    assert found(text, Severity.ERROR).problems == ()


def test_a_broken_text_is_left_alone():
    assert found("version: x\n", Severity.ERROR) == check("version: x\n", env={})
