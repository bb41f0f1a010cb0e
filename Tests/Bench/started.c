// started FILE: the job that is timed. It appends the time at which it began (CLOCK_MONOTONIC in nanoseconds, 8 bytes in the
// machine's order) to FILE, which may be a FIFO, and ends: in all else it costs what /bin/true costs.
#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t nanoseconds = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
    if (count < 2) return 64;
    int file = open(arguments[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file == -1) return 1;
    return write(file, &nanoseconds, sizeof nanoseconds) == sizeof nanoseconds ? 0 : 1;
}
