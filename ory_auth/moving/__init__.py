"""Moving existing users to Ory, and back."""
