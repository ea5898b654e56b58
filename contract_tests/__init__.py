"""Contract tests over the published documents."""
