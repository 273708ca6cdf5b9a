"""Other libraries' streams as subjects, a file a library: ``bourn verify bourn.contract.adapters.openai:chat``.

Each is short enough to be copied and changed: how the library's own documentation streams, and what it promises there. Retries
are turned off, the read timeout is 20 seconds, a client has 60 connections (where a library lets one say so). A promise that a
library does not make is not declared, so that the rules about it are skipped and say why.

House rule: a file imports its library inside its functions, so that none of them is needed until it is judged; and an adapter
adds nothing and mends nothing: what fails is the library.
"""
