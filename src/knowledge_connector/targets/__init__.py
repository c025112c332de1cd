"""The embedded target, and one that lives in memory for tests. They come through the same door as everybody's: `plugin.py`."""
