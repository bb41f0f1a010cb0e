#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

int linux_child_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

pid_t linux_ended_child(void) {
    siginfo_t child = {.si_pid = 0};
    return waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == -1 ? -1 : child.si_pid;
}

int linux_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

int linux_set_timer(int timer, long nanoseconds) {
    const struct itimerspec once = {.it_value = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000}};
    struct itimerspec before = {0};
    (void)timerfd_settime(timer, 0, &once, &before);
    return before.it_value.tv_sec != 0 || before.it_value.tv_nsec != 0;
}

int linux_is_timer_running(int timer) {
    struct itimerspec now = {0};
    (void)timerfd_gettime(timer, &now);
    return now.it_value.tv_sec != 0 || now.it_value.tv_nsec != 0;
}

int linux_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int linux_set_process_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

struct thread_start {
    void (*body)(void *);
    void *context;
    char name[16];
};

static void *run_thread(void *argument) {
    struct thread_start start = *(struct thread_start *)argument;
    free(argument);
    (void)linux_set_process_name(start.name);
    start.body(start.context);
    return NULL;
}

int linux_start_thread(const char *name, void (*body)(void *), void *context) {
    struct thread_start *start = calloc(1, sizeof *start);
    if (!start) return ENOMEM;
    start->body = body;
    start->context = context;
    strncpy(start->name, name, sizeof start->name - 1);
    pthread_attr_t attributes;
    int code = pthread_attr_init(&attributes);
    if (code == 0) {
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        sigset_t all, before;
        sigfillset(&all);
        // The thread has its creator's mask from its first instruction on.
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pthread_t thread;
        code = pthread_create(&thread, &attributes, run_thread, start);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
    }
    if (code != 0) free(start);
    return code;
}

void linux_stand_back(void) {
    struct sched_param none = {.sched_priority = 0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), 5);
}

static sigset_t stop_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) sigaddset(&signals, SIGHUP);
    return signals;
}

void linux_block_stop_signals(void) {
    sigset_t signals = stop_signals();
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

void linux_wait_for_stop_signal(void) {
    sigset_t signals = stop_signals();
    int signal;
    while (sigwait(&signals, &signal) != 0) {}
}

int linux_rename_noreplace(int old_directory, const char *old_name, int new_directory, const char *new_name) {
    const unsigned int rename_noreplace = 1;
    return (int)syscall(SYS_renameat2, old_directory, old_name, new_directory, new_name, rename_noreplace);
}

int linux_syncfs(int descriptor) { return syncfs(descriptor); }

void linux_start_writing(int descriptor) { (void)sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE); }

/// What a new process does on its way to the program. It shares its parent's memory (vfork(2)), so it calls nothing but the system.
/// Returns only to say that it failed.
static void become(const char *program, const struct linux_spawn_setup *setup, char *const arguments[],
                   char *const environment[]) {
    // What this package's programs ignore; every other signal is as execve(2) makes it.
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD, SIGIO};
    const struct sigaction as_usual = {.sa_handler = SIG_DFL};
    for (unsigned i = 0; i < sizeof ignored / sizeof *ignored; i++) sigaction(ignored[i], &as_usual, NULL);
    if (setup->new_session ? setsid() == -1 : setpgid(0, 0) == -1) return;
    // Before the copies, which may take the directory's number.
    if (setup->directory >= 0 && fchdir(setup->directory) == -1) return;
    for (int target = 0; target < setup->descriptor_count; target++) {
        int source = setup->descriptors[target];
        // One that has its number already is only kept open.
        if (source == target ? fcntl(target, F_SETFD, 0) == -1 : dup2(source, target) == -1) return;
    }
    if (setup->directory_path && chdir(setup->directory_path) == -1) return;
    if (setup->descriptors) closefrom(setup->descriptor_count);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(program, arguments, environment);
}

int linux_spawn(pid_t *pid, const char *program, const struct linux_spawn_setup *setup, char *const arguments[],
                char *const environment[]) {
    sigset_t all, before;
    sigfillset(&all);
    // No handler of the parent's may run in the child, and no thread may be cancelled between the two.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    volatile int failure = 0;
    pid_t child = vfork();
    if (child == 0) {
        become(program, setup, arguments, environment);
        failure = errno;
        _exit(127);
    }
    int code = child == -1 ? errno : failure;
    if (child != -1 && code != 0) (void)waitpid(child, NULL, 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0) *pid = child;
    return code;
}

void linux_return_large_blocks(void) { mallopt(M_MMAP_THRESHOLD, 256 << 10); }

#ifndef __has_feature
#define __has_feature(name) 0
#endif

void linux_trim_memory(void) {
    // A sanitizer's memory is not the C library's, which has never been begun then: two threads that begin it here at once crash.
#if !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
    malloc_trim(0);
#endif
}

pid_t linux_fork(void) { return fork(); }

int linux_socket_pair(int sockets[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets); }

int linux_is_peer_gone(int socket) {
    char byte;
    return recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

enum { most_descriptors = 8 };

ssize_t linux_send_descriptors(int socket, const void *bytes, size_t count, const int *descriptors, int descriptor_count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * most_descriptors)];
    } control;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
    if (descriptor_count > most_descriptors) {
        errno = EINVAL;
        return -1;
    }
    memset(&control, 0, sizeof control);
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
    memcpy(CMSG_DATA(&control.header), descriptors, sizeof(int) * descriptor_count);
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t linux_receive_descriptors(int socket, void *bytes, size_t capacity, int *descriptors, int descriptor_count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * most_descriptors)];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (count <= 0) return count;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    int is_whole = !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && header && header->cmsg_type == SCM_RIGHTS &&
                   header->cmsg_len == CMSG_LEN(sizeof(int) * descriptor_count);
    if (!is_whole) {
        errno = EBADMSG;
        return -1;
    }
    memcpy(descriptors, CMSG_DATA(header), sizeof(int) * descriptor_count);
    return count;
}
