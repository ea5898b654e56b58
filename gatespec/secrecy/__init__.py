"""The search for secrets in what a gateway leaves behind: what is secret, where it may lie, in which writing."""
