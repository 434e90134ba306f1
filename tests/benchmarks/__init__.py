"""Benchmarks: what the program takes, measured on real runs."""
