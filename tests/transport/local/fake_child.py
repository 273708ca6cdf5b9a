"""A child program for tests: it obeys the protocol of `bourn/transport/local/child.py`, or breaks it as the model's name says.

It opens a connection to the port in `BOURN_TEST_WITNESS` and tells there what it was given; that connection ends when it does.
"""

import json
import os
import signal
import socket
import sys
import time


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def serves(order):
    say(json.dumps({"base_url": os.environ.get("BOURN_TEST_BASE_URL", "http://127.0.0.1:1")}))
    sys.stdin.read()


def hangs(order):
    sys.stdin.read()


def does_not_listen(order):
    """What llama.cpp is like while it works in native code."""
    say(json.dumps({"base_url": "http://127.0.0.1:1"}))
    time.sleep(60)


def dies(order):
    sys.stderr.write("the first line\nno memory left\n")
    sys.exit(3)


def is_killed(order):
    os.kill(os.getpid(), signal.SIGKILL)


def says_junk(order):
    say("hello")
    sys.stdin.read()


def tells_its_key(order):
    sys.exit(f"my key is {order['key']}")


def misses_its_package(order):
    say(json.dumps({"kind": "missing", "error": "No module named 'xllamacpp'"}))


def cannot_import(order):
    say(json.dumps({"kind": "import", "error": "libgomp.so.1: cannot open"}))


def cannot_load(order):
    sys.stderr.write("0.00.024.079 E llama_model_load: tensor 'x' is not within the file\n0.00.024.102 E srv  init: exiting\n")
    say(json.dumps({"kind": "load", "error": ""}))


def finds_damage(order):
    say(json.dumps({"kind": "damaged", "error": ""}))


witness = socket.create_connection(("127.0.0.1", int(os.environ["BOURN_TEST_WITNESS"])))
order = json.loads(sys.stdin.readline())
told = {"pid": os.getpid(), "order": order, "argv": sys.argv, "environ": dict(os.environ)}
witness.sendall(json.dumps(told).encode() + b"\n")
globals()[order["name"]](order)
