"""Measurements of bourn beside the hand-written floor and its peers: ``python -m bench``.

House rule: everything in one run on one machine, each reader in a process of its own, the readers in turn, round after round;
what is reported is the ratio to the floor, with its spread. Nothing here is a test, and no test looks at a clock.
"""
