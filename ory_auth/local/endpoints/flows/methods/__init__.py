"""Methods: password, one-time code, social sign-in, authenticator app and so on. A module for each."""
