"""Facts → findings. Pure functions."""
