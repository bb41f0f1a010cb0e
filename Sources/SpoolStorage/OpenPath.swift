/// The path by which something was opened, for messages: put together only when somebody wants to read it, for a daemon opens
/// dozens of files for each job.
package import SpoolProtocol

package enum OpenPath: Sendable {
    /// As somebody named it.
    case whole(String)
    /// A name in a directory.
    indirect case entry(FileName, of: OpenPath)

    package var string: String {
        switch self {
        case .whole(let path): path
        case .entry(let name, let directory): "\(directory.string)/\(name)"
        }
    }
}
