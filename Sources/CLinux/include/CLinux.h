/// The Linux system calls that glibc's module map leaves out or that Swift cannot import (variadic ones and those behind
/// _GNU_SOURCE). Nothing is decided here: each function is its manual page.
#pragma once

#include <sys/types.h>
#include <sys/vfs.h>

/// pidfd_open(2): a descriptor, close-on-exec, that becomes readable when the process has ended. -1 with errno.
int linux_pidfd_open(pid_t pid);

/// PR_SET_CHILD_SUBREAPER of prctl(2): orphaned descendants become this process's children instead of init's.
int linux_become_subreaper(void);

/// PR_SET_NAME of prctl(2): the name that ps(1) shows, cut at 15 bytes.
int linux_set_process_name(const char *name);

/// What posix_spawn(3) is to do in the new process, before the program starts.
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

/// posix_spawn(3) with no signal ignored that this package's programs ignore, and none blocked. Returns 0, or an errno.
int linux_spawn(pid_t *pid, const char *program, const struct linux_spawn_setup *setup, char *const arguments[],
                char *const environment[]);

/// renameat2(2) with RENAME_NOREPLACE: fails with EEXIST instead of replacing, with EINVAL where the file system cannot.
int linux_rename_noreplace(int old_directory, const char *old_name, int new_directory, const char *new_name);

/// syncfs(2): waits until everything that was written to the file system is on the disk.
int linux_syncfs(int descriptor);
