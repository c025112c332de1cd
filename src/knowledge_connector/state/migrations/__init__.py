"""Alembic's folder, run by `knowledge_connector.state.upgrade`.

A new version of the schema is a new file in `versions/`, the same change in `state/schema.py`, and its number in `state/store.py`;
a test compares the three on both databases.
"""
