"""Judges the weights that the repository holds by what hewn makes of pictures held out."""
