"""The tables that the migrations make are the ones that `schema.py` describes, on both databases."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from knowledge_connector.ports import StateStore
from knowledge_connector.state import schema, upgrade
from knowledge_connector.state.store import VERSION

from .conftest import Open


def differences(store: StateStore) -> list[object]:
    engine = store._db.engine()  # type: ignore[attr-defined]  # the port hides the database
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = list(compare_metadata(context, schema.metadata))
    engine.dispose()
    return found


def indexes(metadata: sqlalchemy.MetaData, dialect: str) -> dict[str, str | None]:
    """The conditions of partial indexes, which Alembic does not compare."""
    every = [index for table in metadata.tables.values() for index in table.indexes]
    conditions = {str(index.name): index.dialect_options[dialect]["where"] for index in every}
    return {name: None if where is None else "".join(str(where).lower().split()) for name, where in conditions.items()}


def test_the_migrations_make_what_the_schema_says(open_store: Open) -> None:
    assert differences(open_store()) == []


def test_a_missing_column_would_be_seen(open_store: Open) -> None:
    store = open_store()
    store._db.execute("ALTER TABLE documents DROP COLUMN derived")  # type: ignore[attr-defined]
    assert len(differences(store)) == 1


def test_partial_indexes_have_the_same_conditions(open_store: Open) -> None:
    store = open_store()
    engine = store._db.engine()  # type: ignore[attr-defined]
    made = sqlalchemy.MetaData()
    made.reflect(engine)
    dialect = engine.dialect.name
    engine.dispose()
    expected = indexes(schema.metadata, dialect)
    found = {name: where for name, where in indexes(made, dialect).items() if name in expected}
    assert {name: where and where.replace("(", "").replace(")", "") for name, where in found.items()} == expected


def test_the_statements_are_written_for_the_last_migration() -> None:
    assert upgrade.head() == VERSION


def test_the_wheel_has_the_migrations() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    assert (folder / "env.py").is_file()
    assert list((folder / "versions").glob("v*.py"))


def test_upgrading_again_changes_nothing(open_store: Open) -> None:
    store = open_store()
    upgrade.upgrade(store._db)  # type: ignore[attr-defined]
    assert differences(store) == []
