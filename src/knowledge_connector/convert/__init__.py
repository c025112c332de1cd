"""Media type → Markdown: each converter pure, run in a child process with bounded time and memory.

bytes ─ detect ─▶ media type ─ ConverterSet ─▶ converter ─ (Sandbox: child process) ─▶ Markdown, title, tags, metadata
"""
