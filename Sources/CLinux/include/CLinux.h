/// The Linux system calls that glibc's module map leaves out or that Swift cannot import (variadic ones). Nothing is
/// decided here: each function is its manual page, and returns what the call returns, with errno set. _GNU_SOURCE is not
/// defined: with it the headers' types differ from those of Swift's Glibc module, and the two cannot be imported together.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/// pidfd_open(2): a descriptor that becomes readable when the process has ended.
static inline int linux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

/// PR_SET_CHILD_SUBREAPER of prctl(2): orphaned descendants become this process's children instead of init's.
static inline int linux_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

/// PR_SET_NAME of prctl(2): the name that ps(1) shows, cut at 15 bytes.
static inline int linux_set_process_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

/// renameat2(2) with RENAME_NOREPLACE: fails with EEXIST instead of replacing, with EINVAL where the file system cannot.
static inline int linux_rename_noreplace(int old_dir, const char *old_name, int new_dir, const char *new_name) {
    const unsigned int rename_noreplace = 1;
    return (int)syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name, rename_noreplace);
}
