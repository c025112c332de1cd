"""Contracts and fakes for authors of plugins. Shipped, never imported at run time."""
