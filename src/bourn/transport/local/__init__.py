"""The local model: llama.cpp in a child process, one server a model file, shared by everything in this process.

``acquire`` gives a ``Lease`` on a running server; ``models`` knows the files, ``fetch`` downloads them for the command line.

House rule: the library never downloads; only ``fetch`` does, and only the command line calls it.
"""
