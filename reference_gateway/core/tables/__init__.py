"""Tables that are part of the contract, as data: no rule lives here."""
