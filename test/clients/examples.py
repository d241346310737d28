"""Runs the functions marked as examples one after the other and prints a line of JSON for each, for clients.test.ts."""

import asyncio
import inspect
import json
import sys
import traceback

_examples = []


def example(function):
    _examples.append(function)
    return function


def check(condition, *said):
    """assert without its switch."""
    if not condition:
        raise AssertionError(" ".join(str(one) for one in said))


def refused(call, *words, kind=Exception):
    """The error of a call that has to fail with these words."""
    try:
        call()
    except kind as error:
        for word in words:
            check(word in str(error), "expected", word, "got", error)
        return error
    raise AssertionError(f"expected {words}, got an answer")


def main():
    arguments = sys.argv[1:]
    failed = 0
    for function in _examples:
        line = {"name": function.__name__}
        try:
            result = function(*arguments)
            if inspect.iscoroutine(result):
                asyncio.run(result)
        except BaseException:
            failed += 1
            line["error"] = traceback.format_exc()
        print(json.dumps(line), flush=True)
    sys.exit(1 if failed else 0)
