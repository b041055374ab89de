"""Comparisons with libraries that other people wrote."""
