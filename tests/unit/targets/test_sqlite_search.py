"""What an assistant would find."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from knowledge_connector.model import Chunk, SourceDraft
from knowledge_connector.ports import MARK_END, MARK_START
from knowledge_connector.targets.sqlite import SqliteTarget, SqliteTargetConfig
from knowledge_connector.targets.sqlite.query import MAX_TERMS, parse
from knowledge_connector.testing.drafts import draft_of, write

PAGES: dict[str, tuple[str, str, tuple[str, ...], list[tuple[str, str]]]] = {
    # by id: owner, title, tags, and for each chunk its heading and text
    "backup": (
        "docs",
        "Backup and restore",
        ("ops", "it's"),
        [("Nightly", "Dumps run at three."), ("Restore", "Load the dump.")],
    ),
    "tuning": ("docs", "Tuning", ("ops-draft",), [("Memory", "Set work_mem before a restore, and mind the Größe.")]),
    "hiring": ("wiki", "Hiring", ("hr",), [("", "We hire in spring; --prune old letters. Résumé welcome.")]),
    "database": (
        "wiki",
        "数据库手册",
        ("hr",),
        [("备份", "每天晚上备份数据库，PostgreSQL也是。"), ("", "プログラミング言語の本 100%")],
    ),
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> SqliteTarget:
    target = SqliteTarget(SqliteTargetConfig(path=tmp_path_factory.mktemp("search") / "knowledge.db"))
    for external_id, (owner, title, tags, sections) in PAGES.items():
        chunks = [Chunk(n, text, {"heading": heading} if heading else {}) for n, (heading, text) in enumerate(sections)]
        with target.open(owner, fence=1) as session:
            write(
                session,
                draft_of(external_id, chunks, name=title, tags=tags, uri=f"https://example.com/{external_id}"),
                chunks,
            )
            session.flush()
    return target


def ids(target: SqliteTarget, query: str, *, connectors: Sequence[str] = (), tags: Sequence[str] = ()) -> list[str]:
    return list(dict.fromkeys(hit.external_id for hit in target.search(query, connectors=connectors, tags=tags)))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("dump", ["backup"]),
        ("restore", ["backup", "tuning"]),  # the title counts more than the text
        ("restore memory", ["tuning"]),  # heading and text together
        ("backup nightly", ["backup"]),  # title and heading together
        ("restore -memory", ["backup"]),
        ("-memory", ["tuning"]),  # nothing but a without is asked for
        ("hir*", ["hiring"]),
        ('"load the dump"', ["backup"]),
        ('"the load dump" ', []),
        ('"load the', ["backup"]),  # a quote left open
        ("work_mem", ["tuning"]),
        ("--prune", ["hiring"]),
        ("GRÖSSE größe", ["tuning"]),  # any word, if no chunk has all
        ("resume", ["hiring"]),
        ("AND", ["backup", "tuning"]),
        ("dump AND", ["backup"]),
        ("NEAR(dump)", []),
        ("", []),
        ("* \" - ( ) ^ : {}", []),
        ("数据库", ["database"]),
        ("晚上", ["database"]),
        ("晚上 postgresql", ["database"]),
        ("数据库 -晚上", ["database"]),
        ("晚上 不存在", ["database"]),
        ("プログラ*", ["database"]),
        ("言語 100%", ["database"]),
        ("言語_", []),
        ("不存在", []),
    ],
)  # fmt: skip
def test_finds(target: SqliteTarget, query: str, expected: list[str]) -> None:
    assert ids(target, query) == expected


def test_a_hit_says_where_it_is_from(target: SqliteTarget) -> None:
    (hit,) = target.search("three")
    assert (hit.connector, hit.external_id, hit.title, hit.heading) == (
        "docs",
        "backup",
        "Backup and restore",
        "Nightly",
    )
    assert (hit.url, hit.tags, hit.text) == ("https://example.com/backup", ("ops", "it's"), "Dumps run at three.")
    assert hit.source in {source.source_id for _, source in target.holdings(connector="docs")}
    assert hit.snippet == f"Dumps run at {MARK_START}three{MARK_END}."


def test_the_title_of_a_scanned_text_counts_most(target: SqliteTarget) -> None:
    assert [(hit.score, hit.heading) for hit in target.search("数据库")] == [(9.0, "备份"), (8.0, "")]
    assert target.search("晚上")[0].snippet == f"每天{MARK_START}晚上{MARK_END}备份数据库，PostgreSQL也是。"


def test_a_long_scanned_text_is_shown_around_the_find(tmp_path: Path) -> None:
    target = SqliteTarget(SqliteTargetConfig(path=tmp_path / "knowledge.db"))
    chunks = [Chunk(0, "前" * 300 + "目标" + "后" * 300)]
    with target.open("docs", fence=1) as session:
        write(session, draft_of("d", chunks), chunks)
        session.flush()
    (hit,) = target.search("目标")
    assert hit.snippet == f"…{'前' * 40}{MARK_START}目标{MARK_END}{'后' * 38}…"


def test_filters(target: SqliteTarget) -> None:
    for query in ("restore OR hire OR 3", "数 restore"):
        assert set(ids(target, query, connectors=["docs"])) <= {"backup", "tuning"}
        assert ids(target, query, connectors=["nobody"]) == []
    assert ids(target, "restore", tags=["ops"]) == ["backup"]  # and not `ops-draft`
    assert ids(target, "restore", tags=["ops", "it's"]) == ["backup"]
    assert ids(target, "restore", tags=["ops", "hr"]) == []
    assert ids(target, "数据库", connectors=["wiki", "docs"], tags=["hr"]) == ["database"]


def test_scores_fall_and_the_limit_holds(target: SqliteTarget) -> None:
    hits = target.search("restore")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert min(hit.score for hit in hits) > 0
    assert [hit.text for hit in target.search("restore", limit=2)] == [hit.text for hit in hits[:2]]
    assert target.search("restore", limit=0) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.text()
    | st.lists(st.sampled_from(['"', "-", "*", "(", ")", "^", ":", "NOT", "OR", "NEAR", "a", "数", "\0", " "])).map(
        "".join
    )
)
@example("a " * 10_000)
@example('"' + "a " * 10_000)
@example("a" * 100_000)
@example("数 " * 10_000)
@example("half \ud83d of a pair")
def test_no_question_is_an_error(target: SqliteTarget, query: str) -> None:
    target.search(query)


def test_a_question_has_a_bounded_number_of_terms() -> None:
    assert len(parse("a " * 1000).wanted) == MAX_TERMS


def test_an_unfinished_source_is_not_found(tmp_path: Path) -> None:
    target = SqliteTarget(SqliteTargetConfig(path=tmp_path / "knowledge.db"))
    chunks = [Chunk(0, "apple 苹果"), Chunk(1, "pear")]
    with target.open("docs", fence=1) as session:
        session.add(session.begin(draft_of("d", chunks)), chunks[0])
        session.flush()
        assert (target.search("apple"), target.search("苹果")) == ([], [])
        assert [source.committed for _, source in target.holdings()] == [False]


def test_readers_see_the_last_flush_while_a_run_writes(tmp_path: Path) -> None:
    target = SqliteTarget(SqliteTargetConfig(path=tmp_path / "knowledge.db"))
    draft: SourceDraft = draft_of("d", [Chunk(0, "apple")])
    with target.open("docs", fence=1) as session:
        old = write(session, draft, [Chunk(0, "apple")])
        session.flush()
        write(session, draft_of("d", [Chunk(0, "pear")], replaces=old), [Chunk(0, "pear")])
        assert (len(target.search("apple")), len(target.search("pear"))) == (1, 0)
        session.flush()
        assert (len(target.search("apple")), len(target.search("pear"))) == (0, 1)


def test_holdings_are_in_order(target: SqliteTarget) -> None:
    assert [(owner, source.external_id) for owner, source in target.holdings()] == [
        ("docs", "backup"),
        ("docs", "tuning"),
        ("wiki", "database"),
        ("wiki", "hiring"),
    ]
    assert [source.external_id for _, source in target.holdings(connector="wiki")] == ["database", "hiring"]
