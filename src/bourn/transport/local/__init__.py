"""The local model: llama.cpp in a child process, one server a model file, shared by everything in this process.

``server.acquire`` gives a ``Lease`` on a running server and ``transport.LocalTransport`` talks to it; ``models`` knows the
files, and ``fetch`` downloads them.

House rule: the library never downloads. Only ``fetch`` does, and only the command line calls it.
"""
