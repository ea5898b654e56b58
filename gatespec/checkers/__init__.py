"""History in, findings out. Pure: no wire, no clock, no dice; so that a record can be judged again."""
