"""Measure the connector against a bare script and against other tools, on the same work, in the same run.

    python -m benchmarks corpus                      Debian's documentation → benchmarks/.cache/corpora
    python -m benchmarks peers                       CocoIndex, dlt and LangChain, each in an environment of its own
    python -m benchmarks run --what markdown,html    first sync, unchanged, 1 % changed
    python -m benchmarks startup                     `connector --help` against `python -c pass`
    python -m benchmarks chunk-quality               what the chunker does with the whole corpus

README.md beside this file says what is measured, and how.
"""
