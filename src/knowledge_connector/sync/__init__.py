"""The engine.

    origin ──read──▶ Document · Tombstone · Failure · Skip · Checkpoint       run.py       one generator, one loop
                         │  revision known and recipe same? ──▶ Keep          plan.py      pure; the body is never fetched
                         ▼
                     body ─▶ Markdown ─▶ Chunks ─▶ fingerprint                body.py, prepare.py   threads, child processes
                         │  fingerprint same? ──▶ Keep / Retag                plan.py
                         ▼
                     Create · Update · Retag · Delete                         lane.py, guard.py     values, no effects
                         ▼
                     journal ─▶ upsert, chunks, commit, delete ─▶ memory      apply.py, api.py      the only effects
                         ▼
                     SyncReport                                               report.py

`connector plan` is all of this but the last step. The engine is written against `ports` and meets no concrete target, store or library.
"""
