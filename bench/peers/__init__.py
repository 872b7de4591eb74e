"""The race: hewn and other runtimes on the same network, the same input and the same threads."""
