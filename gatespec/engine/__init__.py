"""From a plan to a run: chapters are played on drivers, and what they did is judged."""
