/// A target that takes names for one that differ by case alone, as vfat and SMB do, on whatever file system the tests
/// run: a library that is loaded before the C library, and looks names up below one directory without regard to case.
import Glibc
import JSONText
import Testing

extension Scratch {
    /// Runs `documents.sync` with a target that tells no case apart.
    /// - Parameter manyNumbers: a file has another inode number under each spelling, as on some FUSE file systems.
    func syncFolding(_ more: JSONObject = [:], manyNumbers: Bool = false, dryRun: Bool = false) throws -> Sync {
        if try sh("ls").split(separator: "\n").contains("folding.so") == false {
            try sh("cc -shared -fPIC -o folding.so -x c - <<'END'\n\(Self.folding)\nEND")
        }
        let request: JSON = ["params": .object(params(more)), "dry_run": .bool(dryRun)]
        return try Sync(
            Child.run(
                [
                    "/usr/bin/env",
                    "LD_PRELOAD=\(getenv("LD_PRELOAD").map { String(cString: $0) + ":" } ?? "")\(path)/folding.so",
                    "FOLDING=\(target)", "FOLDING_NUMBERS=\(manyNumbers ? "many" : "one")",
                    products + "/jobspool-documents", "documents.sync",
                ], input: request.text))
    }

    private static let folding = """
        #define _GNU_SOURCE
        #include <dirent.h>
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdarg.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/stat.h>
        #include <unistd.h>
        #define NEXT(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

        /* The name as the directory lists it, or as it was asked for when it lists none like it. */
        static const char *listed(int fd, const char *name, char *found) {
            char link[64], path[4096];
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            ssize_t length = fd < 0 ? -1 : readlink(link, path, sizeof path - 1);
            if (length < 0 || name[0] == '.' && (!name[1] || name[1] == '.' && !name[2])) return name;
            path[length] = 0;
            const char *root = getenv("FOLDING");
            size_t end = strlen(root);
            if (strncmp(path, root, end) || path[end] && path[end] != '/') return name;
            DIR *directory = fdopendir(NEXT(openat)(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            const char *result = name;
            for (struct dirent *entry; result == name && (entry = readdir(directory));)
                if (!strcasecmp(entry->d_name, name)) result = strcpy(found, entry->d_name);
            closedir(directory);
            return result;
        }
        #define LISTED(fd, name) listed(fd, name, (char[256]){0})

        int openat(int fd, const char *name, int flags, ...) {
            va_list more;
            va_start(more, flags);
            mode_t mode = va_arg(more, mode_t);
            va_end(more);
            return NEXT(openat)(fd, LISTED(fd, name), flags, mode);
        }
        int fstatat(int fd, const char *name, struct stat *status, int flags) {
            const char *own = LISTED(fd, name);
            int result = NEXT(fstatat)(fd, own, status, flags);
            if (!result && strcmp(own, name) && !strcmp(getenv("FOLDING_NUMBERS"), "many")) status->st_ino ^= 1ul << 60;
            return result;
        }
        int mkdirat(int fd, const char *name, mode_t mode) { return NEXT(mkdirat)(fd, LISTED(fd, name), mode); }
        int unlinkat(int fd, const char *name, int flags) { return NEXT(unlinkat)(fd, LISTED(fd, name), flags); }
        int renameat(int from, const char *old, int to, const char *name) {
            return NEXT(renameat)(from, LISTED(from, old), to, LISTED(to, name));
        }
        int symlinkat(const char *text, int fd, const char *name) {
            return NEXT(symlinkat)(text, fd, LISTED(fd, name));
        }
        ssize_t readlinkat(int fd, const char *name, char *buffer, size_t size) {
            return NEXT(readlinkat)(fd, LISTED(fd, name), buffer, size);
        }
        int fchmodat(int fd, const char *name, mode_t mode, int flags) {
            return NEXT(fchmodat)(fd, LISTED(fd, name), mode, flags);
        }
        int utimensat(int fd, const char *name, const struct timespec times[2], int flags) {
            return NEXT(utimensat)(fd, LISTED(fd, name), times, flags);
        }
        """
}
