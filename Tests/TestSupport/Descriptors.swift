/// Many tests are under way at once, each with files, sockets and databases open: more than many systems give a process to begin with
/// (`ulimit -S -n`), and less than it may have (setrlimit(2)).
import Glibc

/// Whether this process may have enough, from now on.
package let hasEnoughDescriptors: Bool = {
    let enough: rlim_t = 4096
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(kind, &limit) == 0 else { return false }
    if limit.rlim_cur >= enough { return true }
    limit.rlim_cur = min(limit.rlim_max, enough)
    return setrlimit(kind, &limit) == 0 && limit.rlim_cur == enough
}()
