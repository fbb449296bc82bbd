"""What the probes found: plain values, for the rules to evaluate."""
