"""Markdown in, chunks out: pure functions of text and rules.

    text ──▶ blocks.py    where each heading, paragraph, table, fence and list item begins   (a CommonMark parse)
         ──▶ packing.py   neighbours that belong together fill a chunk                       (along the heading tree)
         ──▶ cutting.py   what is too long for any chunk                                     (rows, lines, sentences, words, graphemes)
    ruler.py counts what the target counts; markdown.py and plain.py are the two chunkers; plugin.py registers them.

Nothing is imported here, so that a process that only needs one name pays for nothing else.
"""
