"""Baken's service: the rooms are described in README.md, the processes in `api.__main__`."""
