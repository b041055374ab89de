"""The tests of zen_core, one file for each module."""
