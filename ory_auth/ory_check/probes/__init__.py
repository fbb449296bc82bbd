"""Everything that looks outside: Ory over the network, the cache, the database and the settings."""
