"""Plain PyTorch definitions of the networks, on hewn's canonical tensors."""
