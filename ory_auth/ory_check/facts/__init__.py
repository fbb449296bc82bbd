"""What the probes found: plain values without behavior."""
