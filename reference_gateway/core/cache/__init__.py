"""The cache of providers' lists: what an entry is, when it counts, and who refreshes it."""
