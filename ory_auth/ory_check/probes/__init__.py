"""All I/O of ``ory_check``: Ory over the network, and the settings, cache and database of this project."""
