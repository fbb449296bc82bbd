"""The questions of `trials.bench` once more, through real servers under load: ``python -m trials.load``."""
