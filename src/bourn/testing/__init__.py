"""Probes and clocks for tests of asynchronous code; free of pytest, importable anywhere."""
