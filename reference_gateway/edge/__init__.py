"""Where the outside ends: settings, identities, bytes in and out. It decides nothing; it asks the core."""
