/// Many tests are under way at once, each with files, sockets and databases open: more than many systems give a process to begin with
/// (`ulimit -S -n`), and less than it may have (setrlimit(2)).
import Glibc

package struct TooFewDescriptors: Error, CustomStringConvertible {
    package var description: String { "the tests need \(enough) descriptors: raise `ulimit -H -n`" }
}

private let enough: rlim_t = 4096

private let areThere: Bool = {
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(kind, &limit) == 0 else { return false }
    if limit.rlim_cur >= enough { return true }
    limit.rlim_cur = enough
    return setrlimit(kind, &limit) == 0
}()

/// This process has enough of them from now on.
package func needDescriptors() throws(TooFewDescriptors) { if !areThere { throw TooFewDescriptors() } }
