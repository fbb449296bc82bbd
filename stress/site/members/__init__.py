"""A user model whose e-mail is unique, as many projects have it."""
