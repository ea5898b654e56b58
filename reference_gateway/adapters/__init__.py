"""How the core's ports are filled: Redis, PostgreSQL, providers."""
