"""How results, progress and the log reach a person: pages, tables, one line of progress, signals."""
