"""The account pages: sessions, the security overview, "this wasn't me", the data download and account deletion."""
