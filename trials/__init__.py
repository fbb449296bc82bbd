"""Measurements and campaigns against real servers on loopback: `make bench`, `bench-load`, `chaos`, `guards`."""
