"""How fast the reference gateway is beside baselines that do less, measured in one run: ratios, never a time limit."""
