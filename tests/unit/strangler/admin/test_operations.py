import pytest

from strangler.admin.failures import Failure, Kind
from strangler.admin.judge import Edit
from strangler.admin.operations import Operations, Who
from strangler.config.load import check
from strangler.config.model import Fence
from strangler.rollout.versions import Proposal, Source
from strangler.testing import MemoryStore

TEXT = """\
version: 1
upstreams:
  legacy: {endpoints: [http://127.0.0.1:8000]}
  reviews: {endpoints: [http://127.0.0.1:8101]}   # new
default: legacy
routes:
  - name: reviews
    match: {prefix: /reviews, methods: [GET]}
    split: {reviews: 0, legacy: 100}   # canary
"""
ADA, GRACE = Who("ada"), Who("grace", "first step")


@pytest.fixture
def operations() -> Operations:
    made = Operations(MemoryStore(), lambda text: check(text, env={}), secret="s")
    made.apply(TEXT, ADA)
    return made


def failure(call, *args, **options) -> Failure:
    with pytest.raises(Failure) as caught:
        call(*args, **options)
    return caught.value


def test_a_text_with_problems_is_refused_with_all_of_them(operations):
    refused = failure(operations.apply, TEXT.replace("100}", "90}").replace(": /rev", ": rev"), ADA)
    assert refused.kind is Kind.INVALID
    assert [problem.split(":")[1] for problem in refused.problems] == ["8", "9"]


def test_applying_what_is_live_changes_nothing(operations):
    assert operations.apply(TEXT, ADA).version == 1
    assert len(operations.history()) == 1


def test_the_next_version_is_taken_and_remembered(operations):
    text = TEXT.replace("version: 1", "version: 2").replace("/reviews", "/r")
    done = operations.apply(text, GRACE)
    assert (done.version, done.previous) == (2, 1)
    newest = operations.history()[0]
    assert (newest.author, newest.reason) == ("grace", "first step")
    assert "match.prefix /reviews -> /r" in newest.summary


def test_a_dry_run_writes_nothing(operations):
    done = operations.canary("reviews", 1000, ADA, dry_run=True)
    assert (done.version, done.dry_run) == (2, True)
    assert operations.store.number() == 1


def test_a_canary_changes_two_numbers_and_the_version(operations):
    operations.canary("reviews", 1250, ADA)
    expected = TEXT.replace("version: 1", "version: 2")
    expected = expected.replace("{reviews: 0, legacy: 100}", "{reviews: 12.5, legacy: 87.5}")
    assert operations.version(2).text == expected


def test_the_same_number_with_other_content_names_both_authors_and_times(operations):
    refused = failure(
        operations.apply, TEXT.replace("/reviews", "/r"), ADA, saved=Edit("bob", 1_700_000_060.0)
    )
    assert refused.kind is Kind.CONFLICT
    assert "saved by bob at 20" in refused.message
    assert "ada made it at 20" in refused.message


def test_a_number_that_skips_one_is_told_the_right_one(operations):
    refused = failure(operations.apply, TEXT.replace("version: 1", "version: 7"), ADA)
    assert "write `version: 2`" in refused.message


def test_a_file_that_would_take_a_canary_back_needs_revert(operations):
    operations.canary("reviews", 2500, GRACE)
    mine = (
        TEXT.replace("version: 1", "version: 3").replace("# new", "# ours").replace("8101", "8102")
    )
    refused = failure(operations.apply, mine, ADA)
    assert "split reviews 25 %, legacy 75 % -> reviews 0 %" in refused.message
    assert "version 2, grace" in refused.message
    assert "first step" in refused.message
    (taken,) = operations.plan(mine).takes_back
    assert (taken.version, taken.author) == (2, "grace")
    assert operations.apply(mine, ADA, revert=True).version == 3


def test_rebase_carries_the_edits_over(operations):
    operations.canary("reviews", 2500, GRACE)
    mine = TEXT.replace("8101", "8102")
    done = operations.rebase(mine)
    expected = mine.replace("version: 1", "version: 3")
    assert done.text == expected.replace("{reviews: 0, legacy: 100}", "{reviews: 25, legacy: 75}")
    assert operations.apply(done.text, ADA).version == 3


def test_rebase_names_conflicts(operations):
    operations.canary("reviews", 2500, GRACE)
    refused = failure(operations.rebase, TEXT.replace("0, legacy: 100", "50, legacy: 50"))
    assert refused.kind is Kind.CONFLICT
    assert "routes.reviews.split" in refused.message


def test_cutover_then_rollback_returns_to_the_side_before(operations):
    operations.canary("reviews", 5000, ADA)
    operations.cutover("reviews", ADA)
    operations.rollback("reviews", ADA)
    assert "{reviews: 0, legacy: 100}" in operations.version(4).text
    assert operations.rollback("reviews", ADA).version == 4


def test_a_move_to_where_it_is_already_changes_nothing(operations):
    for done in (operations.canary("reviews", 0, ADA), operations.rollback("reviews", ADA)):
        assert (done.version, done.previous, done.changes) == (1, 1, ())
        assert done.scope == "group reviews, already at reviews 0 %, legacy 100 %"
    assert operations.cutover("reviews", ADA).version == 2
    assert operations.cutover("reviews", ADA).version == 2
    assert len(operations.history()) == 2


def test_undo_brings_the_version_before_back_under_a_new_number(operations):
    operations.canary("reviews", 5000, ADA)
    done = operations.undo(GRACE)
    assert done.version == 3
    assert done.text == TEXT.replace("version: 1", "version: 3")
    assert operations.undo(ADA, to=2).version == 4
    assert failure(operations.undo, ADA, to=2).kind is Kind.REFUSED
    assert failure(operations.undo, ADA, to=99).kind is Kind.NOT_FOUND


def test_nothing_is_live_in_an_empty_store():
    empty = Operations(MemoryStore(), lambda text: check(text, env={}))
    assert failure(empty.canary, "reviews", 100, ADA).kind is Kind.NOT_FOUND
    assert empty.status().live is None
    assert empty.plan(TEXT).live == 0


def test_while_a_cutover_holds_a_fence_nobody_else_writes(operations):
    fence = Fence("reviews", "attempt-1", 2e9)
    proposal = Proposal(2, TEXT.replace("version: 1", "version: 2"), "x", Source.TRANSITION,
                        fences=(fence,), attempt="attempt-1")  # fmt: skip
    operations.store.commit(proposal, expected=1)
    refused = failure(operations.canary, "reviews", 1000, ADA)
    assert refused.kind is Kind.REFUSED
    assert "under way" in refused.message


def test_status_tells_asked_shares_and_the_live_version(operations):
    operations.canary("reviews", 1250, GRACE)
    status = operations.status()
    assert status.live is not None
    assert status.live.number == 2
    (group,) = status.groups
    assert [(each.upstream, each.asked) for each in group.shares] == [
        ("legacy", 8750),
        ("reviews", 1250),
    ]


def test_what_was_refused_is_in_the_audit_log(operations):
    failure(operations.apply, TEXT.replace("/reviews", "/r"), GRACE)
    entry = operations.store.audit()[0]
    assert (entry.author, entry.action) == ("grace", "refused")


def test_versions_are_told_apart(operations):
    operations.canary("reviews", 1250, ADA)
    assert [str(change) for change in operations.diff(1, 2)] == [
        "route reviews: split reviews 0 %, legacy 100 % -> reviews 12.5 %, legacy 87.5 %"
    ]


def test_what_somebody_saved_they_may_save_otherwise(operations):
    changed = TEXT.replace("version: 1", "version: 2").replace("/reviews", "/r")
    operations.apply(changed, ADA, source=Source.FILE)
    back = TEXT.replace("version: 1", "version: 3")
    refused = failure(operations.apply, back, GRACE, saved=Edit("grace", 1.0))
    assert "version 2, ada" in refused.message
    assert operations.apply(back, ADA, saved=Edit("ada", 1.0)).version == 3
