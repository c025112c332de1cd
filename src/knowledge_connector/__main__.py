"""`python -m knowledge_connector` is `connector`."""

import sys

from knowledge_connector.cli import main

if __name__ == "__main__":
    sys.exit(main())
