"""How pystun3's parser, which sits behind its socket, is called with bytes."""

import stun


class Socket:
    """Answers each request once, with the bytes under its transaction id; then nothing comes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.answers: list[bytes] = []

    def sendto(self, request: bytes, destination: tuple[str, int]) -> None:
        del destination
        if self.data:
            self.answers.append(self.data[:4] + request[4:20] + self.data[20:])
            self.data = b""

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        if not self.answers:
            raise TimeoutError
        return self.answers.pop()[:size], ("192.0.2.1", 3478)


def parse(data: bytes) -> object:
    stun._initialize()
    return stun.stun_test(Socket(data), "192.0.2.1", 3478, "0.0.0.0", 54320)
