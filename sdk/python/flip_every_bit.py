#!/usr/bin/env python3
"""Flips every bit of a log that was ended, one after the other, and holds the verifier to finding each.

    python3 flip_every_bit.py LOGDIR [--part K/N]

What is found within a bundle is looked for within that bundle alone, which is what the whole verification does with it.
"""

import argparse
import os
import shutil
import sys
import tempfile

from countersign_verify import Log, LogKey, Wrong, WIDTH, check_bundle, numbered


def flips(bytes_of_file):
    changed = bytearray(bytes_of_file)
    for bit in range(len(changed) * 8):
        changed[bit // 8] ^= 1 << (bit % 8)
        yield bit, bytes(changed)
        changed[bit // 8] ^= 1 << (bit % 8)


def found(check):
    try:
        check()
    except Wrong:
        return True
    return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--part", default="0/1", help="which part of the bundles, for several processes")
    args = parser.parse_args()
    part, parts = (int(number) for number in args.part.split("/"))
    key = LogKey(open(os.path.join(args.log, "log.pub"), encoding="utf-8").read())
    size = Log(args.log, key).verify()
    tried = 0
    for number in range((size + WIDTH - 1) // WIDTH):
        if number % parts != part:
            continue
        width = min(WIDTH, size - number * WIDTH)
        names = [f"{kind}/{numbered(number, width)}" for kind in ("tile/entries", "payload", "tile/0")]
        files = [open(os.path.join(args.log, name), "rb").read() for name in names]
        for at in range(3):
            for bit, changed in flips(files[at]):
                now = files[:at] + [changed] + files[at + 1 :]
                check = lambda: check_bundle(
                    number * WIDTH, width, names[0], now[0], names[1], now[1], names[2], now[2]
                )
                if not found(check):
                    print(f"bit {bit} of {names[at]} was not found", file=sys.stderr)
                    return 1
                tried += 1
    if part == 0:
        with tempfile.TemporaryDirectory() as scratch:
            copy = os.path.join(scratch, "log")
            shutil.copytree(args.log, copy)
            for name in ["checkpoint"] + [f"tile/1/{numbered(0, size // WIDTH)}"] * (size >= WIDTH):
                whole = open(os.path.join(copy, name), "rb").read()
                for bit, changed in flips(whole):
                    with open(os.path.join(copy, name), "wb") as file:
                        file.write(changed)
                    if not found(Log(copy, key).verify):
                        print(f"bit {bit} of {name} was not found", file=sys.stderr)
                        return 1
                    tried += 1
                with open(os.path.join(copy, name), "wb") as file:
                    file.write(whole)
    print(f"{tried} flips, all found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
