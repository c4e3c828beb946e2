import mmap
import os

from strangler.proxy.counters import CONNECTIONS, PAGE_SET_BYTES, REQUESTS_TOTAL
from strangler.proxy.pages import PageSets


def test_a_set_goes_to_the_next_process_with_its_counts() -> None:
    sets = PageSets()
    first, second = sets.take(), sets.take()
    first.cells[REQUESTS_TOTAL], first.cells[CONNECTIONS] = 5, 3
    second.cells[REQUESTS_TOTAL] = 2
    sets.give_back(first, {})
    assert sets.take() is first
    assert first.cells[CONNECTIONS] == 0
    assert sum(cells[REQUESTS_TOTAL] for cells in sets.cells) == 7
    sets.close()


def test_another_process_would_see_the_counts_and_untouched_pages_cost_nothing() -> None:
    sets = PageSets()
    pages = sets.take()
    with mmap.mmap(os.dup(pages.fd), PAGE_SET_BYTES) as seen:
        pages.cells[REQUESTS_TOTAL] = 9
        assert seen[REQUESTS_TOTAL * 8] == 9
        assert os.fstat(pages.fd).st_blocks * 512 <= 2 * mmap.PAGESIZE
    sets.close()
