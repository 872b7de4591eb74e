"""Trains the weights that the repository holds; README.md says how to repeat it."""
