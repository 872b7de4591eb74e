"""Tests of the race: `python -m pytest bench/peers`."""
