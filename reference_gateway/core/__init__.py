"""Pure rules: time and stores are arguments; nothing here knows a framework, a wire or a clock."""
