/// The Linux system calls that glibc's module map leaves out or that Swift cannot import (variadic ones and those behind
/// _GNU_SOURCE). Nothing is decided here: each function is its manual page.
#pragma once

#include <sys/types.h>
#include <sys/vfs.h>

/// signalfd(2) for SIGCHLD, which is blocked from then on: a descriptor, close-on-exec and non-blocking, that is readable when a child has
/// ended. -1 with errno.
int linux_child_signals(void);

/// waitid(2) with P_ALL, WNOHANG and WNOWAIT: a child that has ended, and stays to be waited for. 0 when there is none, -1 with errno.
pid_t linux_ended_child(void);

/// timerfd_create(2) with CLOCK_MONOTONIC: a descriptor, close-on-exec and non-blocking. -1 with errno.
int linux_timer(void);

/// timerfd_settime(2): the timer expires so many nanoseconds from now, once; with 0 never. Returns whether it was running: 0 or 1.
int linux_set_timer(int timer, long nanoseconds);

/// timerfd_gettime(2): whether the timer has been set and has not expired since: 0 or 1.
int linux_is_timer_running(int timer);

/// PR_SET_CHILD_SUBREAPER of prctl(2): orphaned descendants become this process's children instead of init's.
int linux_become_subreaper(void);

/// PR_SET_NAME of prctl(2): the name that ps(1) shows, cut at 15 bytes.
int linux_set_process_name(const char *name);

/// pthread_create(3) of a detached thread in which all signals are blocked, so that none interrupts a wait there. `name` is what ps(1)
/// shows, cut at 15 bytes. Returns 0, or an errno.
int linux_start_thread(const char *name, void (*body)(void *), void *context);

/// SCHED_BATCH of sched_setscheduler(2) and a nice value of 5: from now on this thread interrupts no other one when it has something to
/// do, and others interrupt it.
void linux_stand_back(void);

/// Blocks SIGTERM, SIGINT and, unless it is ignored as nohup(1) makes it, SIGHUP, in threads and programs to come as well:
/// pthread_sigmask(3).
void linux_block_stop_signals(void);

/// Waits for one of those: sigwait(3).
void linux_wait_for_stop_signal(void);

/// What is to be done in a new process before the program starts.
struct linux_spawn_setup {
    /// fchdir(2) to this directory, unless -1.
    int directory;
    /// chdir(2) to this directory, unless NULL.
    const char *directory_path;
    /// These become descriptors 0, 1, 2 and so on; everything above is closed. NULL: all are kept.
    const int *descriptors;
    int descriptor_count;
    /// Lead a new session (setsid(2)) instead of a new process group (setpgid(2)).
    int new_session;
};

/// vfork(2) and execve(2), with no signal ignored that this package's programs ignore, and none blocked: what posix_spawn(3) does, in a
/// tenth of its system calls. Returns 0, or an errno: then there is no process.
int linux_spawn(pid_t *pid, const char *program, const struct linux_spawn_setup *setup, char *const arguments[],
                char *const environment[]);

/// renameat2(2) with RENAME_NOREPLACE: fails with EEXIST instead of replacing, with EINVAL where the file system cannot.
int linux_rename_noreplace(int old_directory, const char *old_name, int new_directory, const char *new_name);

/// syncfs(2): waits until everything that was written to the file system is on the disk.
int linux_syncfs(int descriptor);

/// sync_file_range(2) with SYNC_FILE_RANGE_WRITE: starts writing the file's content to the disk, and does not wait. A hint.
void linux_start_writing(int descriptor);

/// mallopt(3): blocks of 256 KiB and more are mapped by themselves, and given back to the kernel when they are freed. Left to itself
/// malloc(3) keeps the more the larger the blocks were that it has seen freed. Before there are other threads.
void linux_return_large_blocks(void);

/// malloc_trim(3): gives memory that has been freed back to the kernel.
void linux_trim_memory(void);

/// fork(2). The caller has no other threads.
pid_t linux_fork(void);

/// socketpair(2) of AF_UNIX, SOCK_SEQPACKET, close-on-exec.
int linux_socket_pair(int sockets[2]);

/// Whether nobody has the other end of the socket any more and no packet is left: recv(2) with MSG_PEEK. 0 or 1.
int linux_is_peer_gone(int socket);

/// sendmsg(2) of one packet with descriptors (SCM_RIGHTS, unix(7)), without SIGPIPE.
ssize_t linux_send_descriptors(int socket, const void *bytes, size_t count, const int *descriptors, int descriptor_count);

/// recvmsg(2) of one packet; the descriptors are close-on-exec. Returns the packet's size, 0 at the end of the stream, -1 with
/// errno; EBADMSG for a packet that was cut or has another number of descriptors.
ssize_t linux_receive_descriptors(int socket, void *bytes, size_t capacity, int *descriptors, int descriptor_count);
