import fcntl
import os
import pty
import subprocess
import termios
from pathlib import Path

from stunkit.net.whoami import whoami
from stunkit.protocol.login import Login
from stunkit.server.settings.authentication import AuthenticationSettings
from stunkit.wire.integrity import long_term_key
from tests.integration.command import PATIENCE, STUNKIT, environment, stunkit
from tests.integration.loopback import endpoint_of_server, serving

KEY = long_term_key("ann", "example.org", "hush").hex()
ASK = ("credentials", "ann", "--realm", "example.org")


def test_asks_for_a_password_on_a_terminal_without_showing_it():
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [*STUNKIT, *ASK],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env=environment(),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (there are none)
        ) as process:
            seen = b""
            for prompt in (b"Password: ", b"confirmation: "):
                while not seen.endswith(prompt):
                    seen += os.read(ours, 1024)
                os.write(ours, b"hush\n")
            printed, _ = process.communicate(timeout=PATIENCE)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 0
    assert printed.decode().splitlines()[1] == f"key ann {KEY}"
    assert b"hush" not in seen


async def test_what_it_makes_opens_a_server(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("shared\n")
    made = await stunkit("credentials", "bob", "--secret-file", secret)
    assert (made.status, made.stderr) == (0, "")
    username, password = (line.split()[1] for line in made.stdout.splitlines())
    entries = tmp_path / "credentials"
    entries.write_text(f"secret shared\nkey ann {KEY}\n")
    entries.chmod(0o600)
    settings = AuthenticationSettings(credentials_file=entries, realm="example.org")
    async with serving("127.0.0.1", authentication=settings) as server:
        for name, word in ((username, password), ("ann", "hush")):
            result = await whoami(
                [str(endpoint_of_server(server))], login=lambda n=name, w=word: Login(n, w)
            )
            assert result.answers[0].error is None


async def test_ends_with_2_and_a_sentence():
    ended = await stunkit("credentials", "a b", "--realm", "example.org")
    assert ended.said == (
        2,
        "stunkit: 'a b' is not a username for a file: it has to be one word\n",
    )
