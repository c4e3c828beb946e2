import sys

import pytest

from cdc.functions import FunctionError, load


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "shop_rows.py").write_text("def tidy(row):\n    return row\n\n\nnumber = 1\n")
    (tmp_path / "shop_broken.py").write_text("raise RuntimeError('half written')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("shop_rows", None)


@pytest.mark.usefixtures("module")
def test_a_function_is_found_by_its_dotted_name():
    assert load("shop_rows:tidy")({"a": 1}) == {"a": 1}


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("dotted", "told"),
    [
        ("shop_nowhere:tidy", "importing `shop_nowhere` raised ModuleNotFoundError"),
        ("shop_broken:tidy", "raised RuntimeError: half written"),
        ("shop_rows:tidier", "`shop_rows` has no `tidier`"),
        ("shop_rows:number", "`shop_rows:number` is no function, but int"),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(dotted, told):
    with pytest.raises(FunctionError, match=told):
        load(dotted)
