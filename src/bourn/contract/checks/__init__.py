"""The checks, a file a section of the contract. Each is an asynchronous function with ``@check(RULE)``; see ``bourn.contract``.

House rule: a check says with ``require`` what must hold, and reads like the rule.
"""
