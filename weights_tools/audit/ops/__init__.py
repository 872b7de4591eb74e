"""Random property tests of every operator: hewn's op runner against PyTorch."""
