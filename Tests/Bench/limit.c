// limit DIRECTORY SYNCS COMMAND [ARGUMENT ...]: the least that a queue in a directory can do, as a limit to be measured against.
// For each NAME.json that is in DIRECTORY, or is moved into it, it runs COMMAND, one at a time, and writes NAME.result.json: a
// temporary file, renamed. It checks nothing, keeps no log, and recovers from nothing. SYNCS is how often a job waits for the disk:
//   0  never
//   2  the result: fdatasync of the file before it is renamed, fsync of the directory after
//   4  the request, too, before its job starts: fsync of the file, and of the directory, once NAME.status.json is in it
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static int directory, syncs;
static char **command;

static void must(int ok, const char *what) {
    if (!ok) err(74, "%s", what);
}

/// The length of NAME when `file` is a request, NAME.json; else 0.
static size_t request_name(const char *file) {
    const char *dot = strchr(file, '.');
    return dot && strcmp(dot, ".json") == 0 ? (size_t)(dot - file) : 0;
}

static void publish(const char *name, size_t length, const char *suffix, const char *text, int sync) {
    char temporary[300], final[300];
    snprintf(temporary, sizeof temporary, ".tmp/%.*s%s", (int)length, name, suffix);
    snprintf(final, sizeof final, "%.*s%s", (int)length, name, suffix);
    int file = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(file != -1, temporary);
    must(write(file, text, strlen(text)) == (ssize_t)strlen(text), temporary);
    if (sync) must(fdatasync(file) == 0, temporary);
    close(file);
    must(renameat(directory, temporary, directory, final) == 0, final);
}

static void run(const char *request, size_t length) {
    char buffer[4096], result[300];
    snprintf(result, sizeof result, "%.*s.result.json", (int)length, request);
    if (faccessat(directory, result, F_OK, 0) == 0) return;
    int file = openat(directory, request, O_RDONLY | O_CLOEXEC);
    must(file != -1, request);
    must(read(file, buffer, sizeof buffer) >= 0, request);
    if (syncs == 4) {
        must(fsync(file) == 0, request);
        publish(request, length, ".status.json", "{\"status\":\"running\"}\n", 0);
        must(fsync(directory) == 0, "fsync");
    }
    close(file);
    pid_t child;
    int status;
    must(posix_spawn(&child, command[0], NULL, NULL, command, environ) == 0, command[0]);
    must(waitpid(child, &status, 0) == child, "waitpid");
    publish(request, length, ".result.json", status == 0 ? "{\"status\":\"completed\"}\n" : "{\"status\":\"failed\"}\n", syncs > 0);
    if (syncs > 0) must(fsync(directory) == 0, "fsync");
}

static int by_name(const void *left, const void *right) { return strcmp(*(char *const *)left, *(char *const *)right); }

/// Runs what is there already, in the order of names.
static void scan(void) {
    size_t count = 0, room = 0;
    char **names = NULL;
    DIR *listing = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    must(listing != NULL, "opendir");
    for (struct dirent *entry; (entry = readdir(listing));) {
        if (count == room) names = realloc(names, (room = room * 2 + 1024) * sizeof *names);
        must(names && (names[count++] = strdup(entry->d_name)), "memory");
    }
    closedir(listing);
    if (count) qsort(names, count, sizeof *names, by_name);
    for (size_t index = 0; index < count; index++) {
        size_t length = request_name(names[index]);
        char result[300], *key = result;
        snprintf(result, sizeof result, "%.*s.result.json", (int)length, names[index]);
        if (length && !bsearch(&key, names, count, sizeof *names, by_name)) run(names[index], length);
    }
}

int main(int count, char **arguments) {
    if (count < 4) errx(64, "limit DIRECTORY SYNCS COMMAND [ARGUMENT ...]");
    directory = open(arguments[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(directory != -1, arguments[1]);
    syncs = atoi(arguments[2]);
    command = arguments + 3;
    mkdirat(directory, ".tmp", 0700);
    int events = inotify_init1(IN_CLOEXEC);
    must(events != -1 && inotify_add_watch(events, arguments[1], IN_MOVED_TO) != -1, "inotify");
    publish("limit", 5, ".ready", "", 0);
    scan();
    for (;;) {
        _Alignas(struct inotify_event) char buffer[65536];
        ssize_t length = read(events, buffer, sizeof buffer);
        must(length > 0, "inotify");
        for (char *at = buffer; at < buffer + length;) {
            struct inotify_event *event = (struct inotify_event *)at;
            size_t name = event->len ? request_name(event->name) : 0;
            if (name) run(event->name, name);
            at += sizeof *event + event->len;
        }
    }
}
