"""What `explain`, `diff` and `check` have to say, as data: nothing in here is printed, and nothing is written."""

from knowledge_connector.story.checking import check
from knowledge_connector.story.comparing import DocumentDiff, diff, text_diff
from knowledge_connector.story.held import Held
from knowledge_connector.story.past import PastChange
from knowledge_connector.story.telling import Explanation, Match, Story, explain

__all__ = [
    "DocumentDiff",
    "Explanation",
    "Held",
    "Match",
    "PastChange",
    "Story",
    "check",
    "diff",
    "explain",
    "text_diff",
]
