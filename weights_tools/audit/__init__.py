"""Compares hewn with PyTorch: whole networks layer by layer, and every operator by random cases."""
