"""Tests of the Python tools; run them from the root of the repository with pytest."""
