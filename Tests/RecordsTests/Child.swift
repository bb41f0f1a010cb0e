/// A child process with files for its input and outputs, or a narrow pipe for its output, so that it cannot get far ahead
/// of a test that does not read.
import Glibc
import Testing

struct Child {
    struct End {
        /// The exit status, or 128 and the signal.
        let status: Int32
        let output: String
        let errors: String
    }

    let pid: pid_t
    /// The reading end of its standard output.
    let output: Int32

    static func run(_ arguments: [String], input: String = "") throws -> End {
        let files = try [input, "", ""].map(scratch)
        defer { for file in files { close(file) } }
        let pid = try spawn(arguments, files)
        return End(status: try wait(for: pid), output: text(files[1]), errors: text(files[2]))
    }

    /// Starts a process whose output goes to a pipe that holds one page.
    init(_ arguments: [String], input: String) throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[1], Self.setPipeSize, 4096)
        let file = try Self.scratch(input)
        let errors = try Self.scratch("")
        defer { for file in [file, ends[1], errors] { close(file) } }
        pid = try Self.spawn(arguments, [file, ends[1], errors])
        output = ends[0]
    }

    private static let setPipeSize: Int32 = 1031

    /// Reads from the pipe until what came contains `marker`, or to the end when there is no marker.
    func read(until marker: String? = nil) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 256)
        while case let count = Glibc.read(output, &buffer, buffer.count), count > 0 {
            bytes += buffer[..<count]
            if let marker, String(decoding: bytes, as: UTF8.self).contains(marker) { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads what is left and waits.
    func finish() throws -> (status: Int32, rest: String) {
        let rest = read()
        close(output)
        return (try Self.wait(for: pid), rest)
    }

    private static func spawn(_ arguments: [String], _ files: [Int32]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, file) in files.enumerated() { posix_spawn_file_actions_adddup2(&actions, file, Int32(number)) }
        let strings = arguments.map { strdup($0) }
        defer { for string in strings { free(string) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, arguments[0], &actions, nil, strings + [nil], environ)
        try #require(code == 0, "\(arguments[0]): \(String(cString: strerror(code)))")
        return pid
    }

    private static func wait(for pid: pid_t) throws -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 { try #require(errno == EINTR) }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }

    /// A file without a name, closed in children.
    private static func scratch(_ content: String) throws -> Int32 {
        var template = Array("/tmp/jobspool-test-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        try #require(file >= 0)
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        unlink(template)
        let bytes = Array(content.utf8)
        try #require(write(file, bytes, bytes.count) == bytes.count)
        lseek(file, 0, SEEK_SET)
        return file
    }

    private static func text(_ file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: Int(lseek(file, 0, SEEK_END)))
        let count = pread(file, &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }
}
