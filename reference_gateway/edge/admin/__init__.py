"""What operators do to the gateway's own tables, by commands."""
