"""The only code that waits for the outside: HTTP, memory, and the local model's process.

House rule: everything that waits is cancel-safe (called again, it goes on where it was) and can be cut off at once, in a
synchronous call, with nothing left behind.
"""
