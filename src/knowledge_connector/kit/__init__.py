"""What plugin authors lean on: configuration models, HTTP, matching, HTML to Markdown."""
