"""The gateway's own tables: a Django app."""
