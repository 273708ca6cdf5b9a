"""Bytes to frames and back, one file a framing. House rule: no I/O, and linear time at any chunking."""
