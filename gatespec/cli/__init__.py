"""The command `gatespec`: one file per subcommand, each small enough to read before running it."""
