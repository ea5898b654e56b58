"""Calls to providers: whether one may begin, at which endpoint, and what its end means for those that follow."""
