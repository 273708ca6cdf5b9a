"""Other people's streams held to the contract: ``python -m bench.conformance`` judges them and writes docs/conformance.md.

House rule: the page says nothing that is not in docs/conformance.json, and that file nothing that ``bourn verify`` did not say.
"""
