"""Media types of files. The ending goes first where SharePoint calls the type something else on every tenant."""

_BY_ENDING = {
    "md": "text/markdown",
    "markdown": "text/markdown",
    "txt": "text/plain",
    "log": "text/plain",
    "rst": "text/x-rst",
    "html": "text/html",
    "htm": "text/html",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "xml": "application/xml",
    "eml": "message/rfc822",
    "msg": "application/vnd.ms-outlook",
}
_SAYS_NOTHING = frozenset({"", "application/octet-stream", "binary/octet-stream"})

OFFICE = frozenset(
    {"doc", "docm", "docx", "dotx", "ppt", "pptm", "pptx", "potx", "ppsx", "xls", "xlsb", "xlsm", "xlsx", "vsdx"}
)
"""Endings of what SharePoint may rewrite after the upload, so that its size is not to be relied on."""

ZIPPED = frozenset(
    {"docm", "docx", "dotx", "pptm", "pptx", "potx", "ppsx", "xlsb", "xlsm", "xlsx", "vsdx", "odt", "ods", "odp"}
)
"""Endings of what is a ZIP archive, unless it is encrypted."""


def ending_of(name: str) -> str:
    """What follows the last dot, in lower case; empty if there is no dot."""
    stem, dot, ending = name.lower().rpartition(".")
    return ending if dot and stem else ""


def media_type_of(name: str, listed: str | None) -> str | None:
    """Give the media type of a file; `None` leaves it to the content.

    Args:
        name: Its name.
        listed: What SharePoint says.
    """
    known = _BY_ENDING.get(ending_of(name))
    said = (listed or "").partition(";")[0].strip().lower()
    return known or (None if said in _SAYS_NOTHING else said)
