"""Every service that a judgement needs, started from wheels or PATH without root, and ended without a trace."""
