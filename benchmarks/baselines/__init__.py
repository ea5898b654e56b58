"""Two servers that do less than the gateway and send the same bytes; they share nothing with it but granian's flags."""
