"""The command line: ``bourn chat``, ``bourn model`` and what else the table in :mod:`bourn.cli.main` lists.

House rule: standard output carries answers and nothing else, standard error carries everything said about them; no traceback
reaches a person who did not ask for one.
"""
