"""QUEUE DONE COMMAND ...: a consumer of huey on files with one worker. As a module: the task, for the client."""

import os
import sys


def task(path, done, command):
    from huey import FileHuey

    huey = FileHuey("bench", path=path)

    @huey.task(name="job")
    def job(name):
        pid = os.posix_spawnp(command[0], [name if word == "{}" else word for word in command], os.environ)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with open(os.path.join(done, f".{name}"), "w") as file:
            file.write(str(status))
        os.rename(os.path.join(done, f".{name}"), os.path.join(done, name))

    job.huey = huey
    return job


if __name__ == "__main__":
    import huey_worker  # a task is found by the name of its module

    consumer = huey_worker.task(sys.argv[1], sys.argv[2], sys.argv[3:]).huey.create_consumer(workers=1, periodic=False)
    open(os.path.join(sys.argv[2], "ready"), "w").close()
    consumer.run()
