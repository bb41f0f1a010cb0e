"""QUEUE DONE COMMAND ...: runs a command for each element of a dirq, one at a time; looks for new ones every 0.1 s."""

import os
import sys
import time

from dirq.QueueSimple import QueueSimple


def main(path, done, command):
    queue = QueueSimple(path)
    open(os.path.join(done, "ready"), "w").close()
    while True:
        element = queue.first()
        while element:
            if queue.lock(element):
                name = queue.get(element).decode()
                pid = os.posix_spawnp(command[0], [name if word == "{}" else word for word in command], os.environ)
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with open(os.path.join(done, f".{name}"), "w") as file:
                    file.write(str(status))
                os.rename(os.path.join(done, f".{name}"), os.path.join(done, name))
                queue.remove(element)
            element = queue.next()
        time.sleep(0.1)


main(sys.argv[1], sys.argv[2], sys.argv[3:])
