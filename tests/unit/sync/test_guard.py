from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector.sync.guard import DeleteRules, ErrorRules, Ledger, withhold_reason

RULES = DeleteRules(max_documents=10, max_percent=10)


def reason(
    deletes: int, holdings: int, *, listed: int = 1, complete: bool = True, allowed: int | None = None
) -> str | None:
    return withhold_reason(RULES, deletes=deletes, holdings=holdings, listed=listed, complete=complete, allowed=allowed)


def test_few_deletes_pass_however_large_their_share() -> None:
    assert reason(10, 11) is None


def test_a_small_share_passes_however_many_they_are() -> None:
    assert reason(100, 1000) is None


def test_many_deletes_of_a_large_share_wait() -> None:
    assert reason(11, 109) == ("11 of 109 documents (10 %) would be deleted, which is more than 10 documents and 10 %")


def test_a_listing_of_nothing_is_not_believed() -> None:
    assert reason(1, 1, listed=0) == "the origin listed no document at all, and 1 are held"


def test_a_delta_of_nothing_is() -> None:
    assert reason(1, 100, listed=0, complete=False) is None


def test_an_approval_is_a_ceiling() -> None:
    assert reason(37, 100, allowed=37) is None
    assert reason(38, 100, allowed=37) is not None


@given(st.permutations(range(30)))
def test_the_ledger_knows_how_far_all_is_done(order: list[int]) -> None:
    ledger = Ledger(ErrorRules())
    noted: set[int] = set()
    for number in order:
        ledger.note(number, failed=False)
        noted.add(number)
        assert ledger.done == next(n for n in range(31) if n not in noted)


@given(st.permutations(range(40)), st.sets(st.integers(0, 39)))
def test_failures_in_a_row_are_those_of_the_listing_not_of_the_arrival(order: list[int], failed: set[int]) -> None:
    ledger = Ledger(ErrorRules(max_consecutive=5, min_documents=1000))
    for number in order:
        ledger.note(number, failed=number in failed)
    tail = 0
    while 39 - tail in failed and tail < 40:
        tail += 1
    assert (ledger.overdrawn() is not None) == (tail >= 5)


def test_a_share_of_failures_counts_only_from_enough_documents() -> None:
    ledger = Ledger(ErrorRules(max_percent=15, min_documents=100))
    for number in range(99):
        ledger.note(number, failed=number % 5 == 0)
    assert ledger.overdrawn() is None
    ledger.note(99, failed=False)
    assert ledger.overdrawn() == "20 of 100 documents failed, more than 15 %"
