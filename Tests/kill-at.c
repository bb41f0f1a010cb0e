/* kill-at ROLE N REPORT COMMAND ...: runs a daemon and kills (SIGKILL) one of its processes right before its N-th call that changes
 * files, counted over all its threads in the order in which they happen. What strace's `inject=...:when=N` counts is each thread's and
 * each system call's own, which leaves out most points of a program with threads.
 *
 * ROLE daemon: the calls of COMMAND. ROLE supervisor: those of the processes that its children fork (COMMAND - fork server -
 * supervisor). N 0: nothing is killed. REPORT gets "killed CALL", or "calls COUNT" when there were fewer than N.
 * Exit status: that of COMMAND; 77 when ptrace(2) is not permitted. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct { long number; const char *name; } changing[] = {
#define CALL(name) {SYS_##name, #name},
    CALL(write) CALL(pwrite64) CALL(writev) CALL(openat) CALL(renameat) CALL(renameat2) CALL(linkat) CALL(unlinkat)
    CALL(mkdirat) CALL(mknodat) CALL(ftruncate) CALL(fallocate) CALL(fsync) CALL(fdatasync) CALL(syncfs) CALL(fchmod)
    CALL(utimensat)
#ifdef SYS_open
    CALL(open) CALL(rename) CALL(link) CALL(unlink) CALL(mkdir) CALL(rmdir) CALL(mknod)
#endif
};

/* What is known of each task; tasks are few. */
enum { MOST = 4096 };
static struct { pid_t task, process; int depth; } tasks[MOST];
static int count;

static int find(pid_t task) {
    for (int i = 0; i < count; i++) if (tasks[i].task == task) return i;
    return -1;
}

/* The task's process and that one's parent, by /proc. */
static void look(pid_t task, pid_t *process, pid_t *parent) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", task);
    FILE *file = fopen(path, "re");
    *process = task; *parent = 0;
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "Tgid: %d", process);
        sscanf(line, "PPid: %d", parent);
    }
    if (file) fclose(file);
}

/* A new task: how far from the daemon it is. */
static int add(pid_t task) {
    pid_t process, parent;
    look(task, &process, &parent);
    int depth = 0, of = find(process != task ? process : parent);
    if (of >= 0) depth = tasks[of].depth + (process == task);
    if (count == MOST) { fprintf(stderr, "kill-at: too many tasks\n"); exit(70); }
    tasks[count].task = task; tasks[count].process = process; tasks[count].depth = depth;
    return count++;
}

static void forget(pid_t task) {
    int i = find(task);
    if (i >= 0) tasks[i] = tasks[--count];
}

/* The name of a call that changes files; NULL for others, and for what is said on standard output and error. */
static const char *change(const struct __ptrace_syscall_info *info) {
    for (unsigned i = 0; i < sizeof changing / sizeof *changing; i++) {
        if ((long)info->entry.nr != changing[i].number) continue;
        long flags = -1;
        if (info->entry.nr == SYS_openat) flags = (long)info->entry.args[2];
#ifdef SYS_open
        if (info->entry.nr == SYS_open) flags = (long)info->entry.args[1];
#endif
        if (flags != -1 && !(flags & (O_CREAT | O_TRUNC))) return NULL;
        if ((info->entry.nr == SYS_write || info->entry.nr == SYS_writev) && info->entry.args[0] <= 2) return NULL;
        return changing[i].name;
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 5) { fprintf(stderr, "usage: kill-at daemon|supervisor N REPORT COMMAND ...\n"); return 64; }
    int wanted = strcmp(argv[1], "supervisor") == 0 ? 2 : 0;
    long when = atol(argv[2]), calls = 0;
    FILE *report = fopen(argv[3], "we");
    if (!report) { perror(argv[3]); return 74; }
    pid_t daemon = fork();
    if (daemon == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) == -1) _exit(77);
        raise(SIGSTOP);
        execv(argv[4], argv + 4);
        _exit(127);
    }
    int status, result = 70, over = 0;
    if (waitpid(daemon, &status, 0) == -1 || !WIFSTOPPED(status)) {
        fprintf(stderr, "kill-at: ptrace(2) is not permitted here\n");
        return 77;
    }
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
    if (ptrace(PTRACE_SETOPTIONS, daemon, 0, options) == -1) { perror("ptrace"); kill(daemon, SIGKILL); return 77; }
    add(daemon);
    ptrace(PTRACE_SYSCALL, daemon, 0, 0);
    while (!over) {
        pid_t task = waitpid(-1, &status, __WALL);
        if (task == -1) { if (errno == EINTR) continue; break; }
        if (!WIFSTOPPED(status)) {
            if (task == daemon) { over = 1; result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }
            forget(task);
            continue;
        }
        int known = find(task), isNew = known < 0;
        if (isNew) known = add(task);
        if (tasks[known].depth > wanted) {
            ptrace(PTRACE_DETACH, task, 0, 0);
            forget(task);
            continue;
        }
        int signal = WSTOPSIG(status), deliver = 0;
        if (signal == (SIGTRAP | 0x80)) {
            struct __ptrace_syscall_info info;
            if (ptrace(PTRACE_GET_SYSCALL_INFO, task, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY
                && tasks[known].depth == wanted) {
                const char *name = change(&info);
                if (name && ++calls == when) {
                    fprintf(report, "killed %s\n", name);
                    fflush(report);
                    kill(tasks[known].process, SIGKILL);
                }
            }
        } else if (status >> 16 == 0 && !(isNew && signal == SIGSTOP)) {
            deliver = signal;
        }
        ptrace(PTRACE_SYSCALL, task, 0, deliver);
    }
    if (when == 0 || calls < when) fprintf(report, "calls %ld\n", calls);
    fclose(report);
    return result;
}
