"""Compiled kernels: the whole stack of shipped layers in one call, forward and back, without the interpreter's lock.

Importing a module of this package imports numba. `zen_core.backend` does so when, and only when, compiled kernels are
wanted and to be had.
"""
