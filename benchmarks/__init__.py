"""What a request costs, side by side with a bare view and Django's own sessions."""
