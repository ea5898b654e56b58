"""Flink SQL jobs, one file each."""
