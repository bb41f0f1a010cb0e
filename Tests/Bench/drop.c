// drop REQUEST DIRECTORY NAME: the limit of a client: puts a copy of REQUEST into DIRECTORY as NAME, synced, in one step.
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char **arguments) {
    char text[65536];
    if (count != 4) errx(64, "drop REQUEST DIRECTORY NAME");
    int request = open(arguments[1], O_RDONLY | O_CLOEXEC);
    ssize_t length = read(request, text, sizeof text);
    int directory = open(arguments[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char temporary[64];
    snprintf(temporary, sizeof temporary, ".%d.tmp", (int)getpid());
    int file = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (length < 0 || file == -1 || write(file, text, (size_t)length) != length || fsync(file) != 0 ||
        renameat(directory, temporary, directory, arguments[3]) != 0 || fsync(directory) != 0) {
        err(74, "%s/%s", arguments[2], arguments[3]);
    }
    return 0;
}
