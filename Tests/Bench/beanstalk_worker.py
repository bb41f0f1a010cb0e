"""PORT DONE COMMAND ...: takes jobs from beanstalkd, one at a time, runs the command, and tells their end in another
tube."""

import os
import socket
import sys


class Client:
    """As much of beanstalkd's protocol as is needed here."""

    def __init__(self, port, use, watch):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.socket.makefile("rb")
        self.ask(b"use %s" % use.encode(), b"USING")
        self.ask(b"watch %s" % watch.encode(), b"WATCHING")
        self.ask(b"ignore default", b"WATCHING")

    def ask(self, line, expected):
        self.socket.sendall(line + b"\r\n")
        words = self.answers.readline().split()
        if not words or words[0] != expected:
            raise RuntimeError(f"{line!r}: {words}")
        return words[1:]

    def put(self, body):
        self.ask(b"put 0 0 600 %d\r\n%s" % (len(body), body), b"INSERTED")

    def reserve(self):
        number, length = self.ask(b"reserve", b"RESERVED")
        return number, self.answers.read(int(length) + 2)[:-2]

    def delete(self, number):
        self.ask(b"delete " + number, b"DELETED")


def main(port, done, command):
    client = Client(port, use="done", watch="jobs")
    open(os.path.join(done, "ready"), "w").close()
    while True:
        number, body = client.reserve()
        name = body.decode()
        pid = os.posix_spawnp(command[0], [name if word == "{}" else word for word in command], os.environ)
        os.waitpid(pid, 0)
        client.put(body)
        client.delete(number)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
