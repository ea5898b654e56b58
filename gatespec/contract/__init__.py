"""The HTTP contract as the judge holds it: the document, what an answer breaks of it, and requests drawn from it."""
