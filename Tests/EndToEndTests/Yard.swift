/// A spool of a test's own, with types and the real daemon, in a temporary directory that goes with it. Whatever process
/// still works in there at the end is killed.
import CLinux
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

final class Yard {
    /// The temporary directory; the spool is `spool` in it, the types directory `types`.
    let root: String
    private(set) var daemon: pid_t = 0
    private var daemonsStarted = 0

    /// Beside the test program, where the package's executables are built.
    static let executables: String = {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: "/").dropLast()
            .map { "/\($0)" }.joined()
    }()

    var path: String { "\(root)/spool" }

    init(in parent: String = "/tmp") throws {
        var template = Array("\(parent)/jobspool-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try #require(mkdir("\(root)/spool", 0o755) == 0)
        try #require(mkdir("\(root)/types", 0o755) == 0)
        chmod(root, 0o755)
    }

    deinit {
        if daemon > 0 { kill(daemon, SIGKILL) }
        for process in processesInside() { kill(process, SIGKILL) }
        if daemon > 0 { waitpid(daemon, nil, 0) }
        _ = shell("rm -rf '\(root)'")
    }

    // MARK: Files

    /// A path in the spool.
    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    func exists(_ name: String) -> Bool {
        var found = stat()
        return lstat(self(name), &found) == 0
    }

    /// nil for what may have been planted: to read it could take for ever.
    func read(_ name: String) -> String? {
        var found = stat()
        guard lstat(self(name), &found) == 0, found.st_mode & S_IFMT == S_IFREG, found.st_size < 1 << 30 else {
            return nil
        }
        return Self.readFile(self(name))
    }

    static func readFile(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func write(_ text: String, to name: String) throws { try Self.write(text, toFile: self(name)) }

    static func write(_ text: String, toFile path: String) throws {
        let file = try #require(fopen(path, "we"), "cannot write \(path)")
        fputs(text, file)
        fclose(file)
    }

    /// Drops a request as it should be done: written elsewhere, then renamed.
    func drop(_ name: String, _ request: JSON) throws {
        try write(request.text, to: ".\(name).part")
        try #require(rename(self(".\(name).part"), self("\(name).json")) == 0)
    }

    /// Defines a type whose handler is a shell script.
    func define(_ type: String, _ script: String, _ more: JSONObject = [:]) throws {
        var definition: JSONObject = ["command": ["/bin/bash", "-c", .string(script)]]
        for (key, value) in more.members { definition[key] = value }
        try Self.write(JSON.object(definition).text, toFile: "\(root)/types/\(type).json")
        chmod("\(root)/types/\(type).json", 0o644)
    }

    // MARK: What the daemon wrote

    func json(_ name: String) throws -> JSON? { try read(name).map { try JSON(parsing: $0) } }
    func status(_ job: String) throws -> JSON? { try json("\(job).status.json") }

    /// The whole lines: the last one may be being written.
    func lines(_ name: String) throws -> [JSON] {
        let text = read(name) ?? ""
        return try text[..<(text.lastIndex(of: "\n") ?? text.startIndex)].split(separator: "\n")
            .map { try JSON(parsing: String($0)) }
    }

    func messages(_ job: String, source: String = "handler") throws -> [String] {
        try lines("\(job).log.jsonl").filter { $0["source"]?.string == source }.compactMap { $0["message"]?.string }
    }

    /// The result, once it is there; of the run with another `job_id` than `old`.
    func result(_ job: String, after old: String? = nil, within seconds: Double = 20) async throws -> JSON {
        try await eventually("the result of \(job)", within: seconds) {
            guard let result = try json("\(job).result.json"), result["job_id"]?.string != old else { return nil }
            return result
        }
    }

    /// Waits for a status of this kind.
    @discardableResult
    func standing(_ job: String, _ standing: String, within seconds: Double = 20) async throws -> JSON {
        try await eventually("\(job) to be \(standing)", within: seconds) {
            guard let status = try status(job), status["status"]?.string == standing else { return nil }
            return status
        }
    }

    // MARK: The daemon

    func start(_ options: String...) async throws {
        try await start(by: ["\(Self.executables)/jobspool"], options)
    }

    /// - Parameter program: the program, and what runs it.
    func start(by program: [String], _ options: [String]) async throws {
        daemonsStarted += 1
        daemon = try spawn(
            program + ["serve", path, "--types", "\(root)/types", "--settle", "0.3"] + options,
            output: "\(root)/daemon-\(daemonsStarted).log")
        let pid = daemon
        try await eventually("the daemon to serve") {
            if waitpid(pid, nil, WNOHANG) == pid {
                daemon = 0
                Issue.record("the daemon ended: \(daemonLog)")
                throw YardError.daemonEnded
            }
            let daemon = try json("spool.status.json")?["daemon"]
            return daemon?["pid"]?.int == Int(pid) && daemon?["state"] == "running" ? true : nil
        }
    }

    var daemonLog: String { Self.readFile("\(root)/daemon-\(daemonsStarted).log") ?? "" }

    /// kill -9
    func killDaemon() {
        // 0 would be the tests' own process group.
        guard daemon > 0 else { return }
        kill(daemon, SIGKILL)
        waitpid(daemon, nil, 0)
        daemon = 0
    }

    /// Sends a signal and waits for the end; returns the exit status.
    func stopDaemon(_ signal: Int32 = SIGTERM, within seconds: Double = 20) async throws -> Int32 {
        guard daemon > 0 else { throw YardError.daemonEnded }
        kill(daemon, signal)
        let pid = daemon
        let status = try await eventually("the daemon to end", within: seconds) {
            var status: Int32 = 0
            return waitpid(pid, &status, WNOHANG) == pid ? status : nil
        }
        daemon = 0
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    }

    // MARK: Processes

    /// Starts a program in the yard's root, with its outputs in a file.
    func spawn(_ arguments: [String], output: String = "/dev/null") throws -> pid_t {
        let descriptors = [open("/dev/null", O_RDONLY), open(output, O_WRONLY | O_CREAT | O_APPEND, 0o644)]
        defer { for descriptor in descriptors { close(descriptor) } }
        var pid: pid_t = 0
        let code = root.withCString { directory in
            [descriptors[0], descriptors[1], descriptors[1]].withUnsafeBufferPointer { numbers in
                var setup = linux_spawn_setup()
                setup.directory = -1
                setup.directory_path = directory
                setup.descriptors = numbers.baseAddress
                setup.descriptor_count = 3
                let pointers = arguments.map { strdup($0) } + [nil]
                defer { for pointer in pointers { free(pointer) } }
                return linux_spawn(&pid, arguments[0], &setup, pointers, Glibc.environ)
            }
        }
        try #require(code == 0, "cannot start \(arguments[0]): \(String(cString: strerror(code)))")
        return pid
    }

    /// Runs a shell script in the yard's root; returns its exit status and all it printed.
    @discardableResult
    func shell(_ script: String) -> (status: Int32, output: String) {
        let file = "/tmp/jobspool-test-output-\(makeUUID())"
        defer { unlink(file) }
        do {
            let pid = try spawn(["/bin/bash", "-c", "cd spool; \(script)"], output: file)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            return (status & 0x7F == 0 ? status >> 8 & 0xFF : 128, Self.readFile(file) ?? "")
        } catch {
            return (127, "\(error)")
        }
    }

    /// The processes of attempts, by what they are called and where they work.
    func processesInside() -> [pid_t] {
        processes().filter { process in
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = readlink("/proc/\(process)/cwd", &buffer, buffer.count)
            return process != daemon && process != getpid() && count > 0
                && String(decoding: buffer[..<count], as: UTF8.self).hasPrefix(root)
        }
    }

    /// The supervisors of this yard's attempts.
    func supervisors() -> [pid_t] {
        processesInside().filter { Self.readFile("/proc/\($0)/comm") == "jobspool-attemp\n" }
    }

    private func processes() -> [pid_t] {
        do {
            return try Directory.open("/proc").entries().compactMap { $0.string.flatMap { pid_t($0) } }
        } catch {
            return []
        }
    }
}

enum YardError: Error { case timeout(String), daemonEnded }

/// Asks again and again until there is an answer, or the time is over.
@discardableResult
func eventually<Value>(
    _ what: String, within seconds: Double = 20, isolation: isolated (any Actor)? = #isolation,
    _ condition: () throws -> Value?
) async throws -> Value {
    let deadline = Clock.monotonic() + seconds
    while true {
        if let value = try condition() { return value }
        if Clock.monotonic() > deadline {
            Issue.record("waited \(seconds) s in vain for \(what)")
            throw YardError.timeout(what)
        }
        try await ContinuousClock().sleep(for: .milliseconds(5))
    }
}
