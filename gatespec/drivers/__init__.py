"""How the judge reaches what it judges: over the wire, or in process with a virtual clock."""
