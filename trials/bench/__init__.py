"""What a signed-in request costs, measured inside one process at a time: ``python -m trials.bench``."""
