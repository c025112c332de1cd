from knowledge_connector.ports import Searchable
from knowledge_connector.targets.memory import MemoryTarget
from knowledge_connector.targets.plugin import register_targets
from knowledge_connector.targets.sqlite import SqliteTarget, SqliteTargetConfig
from knowledge_connector.testing.drafts import draft_of, write


def test_the_embedded_target_comes_through_the_door() -> None:
    assert register_targets() == [SqliteTarget]
    assert isinstance(SqliteTarget(SqliteTargetConfig()), Searchable)


def test_the_memory_target_shows_what_it_holds() -> None:
    target = MemoryTarget()
    draft = draft_of("d", [])
    with target.open("docs", fence=1) as session:
        write(session, draft, [])
        assert target.stored("docs") == {}
        session.flush()
    assert {key: stored.draft for key, stored in target.stored("docs").items()} == {"d": draft}
    assert target.stored("wiki") == {}
