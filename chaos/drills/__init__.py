"""One drill a file: a sentence, then data."""
