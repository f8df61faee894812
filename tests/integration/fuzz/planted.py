"""A STUN server that is right until it gets what breaks it: then its process ends, or goes wrong.

    python planted.py HOST PORT ends|hangs|lies

Standard library alone: it is started in a process of its own, again and again. What breaks it is a
PRIORITY (type 0x0024) of another length than four bytes.
"""

import os
import socket
import sys
import time

COOKIE = bytes.fromhex("2112a442")


def is_broken_by(data: bytes) -> bool:
    offset = 20
    while offset + 4 <= len(data):
        size = int.from_bytes(data[offset + 2 : offset + 4], "big")
        if data[offset : offset + 2] == b"\x00\x24" and size != 4:
            return True
        offset += 4 + size + -size % 4
    return False


def answer(data: bytes, host: str, port: int) -> bytes:
    packed = port.to_bytes(2, "big") + socket.inet_aton(host)
    mask = COOKIE[:2] + COOKIE
    value = b"\0\1" + bytes(a ^ b for a, b in zip(packed, mask, strict=True))
    return b"\1\1\0\x0c" + data[4:20] + b"\0\x20\0\x08" + value


def main() -> None:
    host, port, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    is_lying = False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.bind((host, port))
        while True:
            data, source = plain.recvfrom(65535)
            if len(data) < 20 or data[4:8] != COOKIE:
                continue
            if data[:2] != b"\0\1":
                continue
            if is_broken_by(data):
                if how == "ends":
                    os._exit(1)
                elif how == "hangs":
                    time.sleep(3600)
                is_lying = True
            plain.sendto(answer(data, source[0], source[1] ^ is_lying), source)


if __name__ == "__main__":
    main()
