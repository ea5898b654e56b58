"""The reference gateway: what the judge is proved on, and good enough to run."""
