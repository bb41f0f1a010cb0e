/// The job types that the daemon knows: the built-in ones, and those of the types directory, which are read anew whenever
/// their files change. A definition says what runs as the daemon's user, so one that somebody else could have written is refused.
import Glibc
import JSONText
package import SpoolProtocol
package import SpoolStorage

/// What is wrong with definitions.
struct TypeProblems: Equatable {
    /// By type.
    var types: [String: String] = [:]
    /// With their directory, and so with all of them.
    var directory: String?

    /// What is new since others were told of. What is wrong with the directory is said once, not of every type.
    func news(since told: TypeProblems) -> [String] {
        if let directory { return directory == told.directory ? [] : [directory] }
        return types.filter { told.types[$0.key] != $0.value || told.directory != nil }.sorted { $0.key < $1.key }
            .map(\.value)
    }
}

package struct TypeCatalog {
    private let builtIn: [JobType: DefinitionFile]
    private var directory: Directory?
    /// Who may have written definitions, beside root.
    private let user: UInt32
    private var cache: [JobType: (stat: FileStat, file: Result<DefinitionFile, JobError>)] = [:]

    /// How many definitions may build on each other.
    private static let maximumDepth = 10
    private static let maximumBytes = 1 << 20

    /// - Parameters:
    ///   - directory: the types directory; nil: only the built-in types.
    ///   - user: the daemon's user
    package init(builtIn: [JobType: DefinitionFile], directory: Directory?, user: UInt32 = geteuid()) {
        self.builtIn = builtIn
        self.directory = directory
        self.user = user
    }

    /// The complete policy of a type.
    /// - Throws: `JobError` `UNKNOWN_TYPE` that names the nearest known type, or says what is wrong with the definition.
    package mutating func definition(of type: JobType) throws(JobError) -> Definition {
        let found: Result<Definition, JobError>
        do {
            found = try lookUp(type)
        } catch {
            throw JobError(.unknownType, "the definition of \"\(type)\" cannot be read: \(error)")
        }
        return try found.get()
    }

    /// The same, or what is wrong with the type itself.
    /// - Throws: `SpoolError` when the disk does not give the definition now: that says nothing about the type.
    mutating func lookUp(_ type: JobType) throws(SpoolError) -> Result<Definition, JobError> {
        try followDirectory()
        switch try merged(type, depth: 0) {
        case .failure(let error): return .failure(error)
        case .success(let file):
            return Definition(type: type, file).map { .success($0) }
                ?? .failure(JobError(.unknownType, "the type \"\(type)\" has no `command`"))
        }
    }

    /// Every type by name, with its policy or what is wrong with it.
    package mutating func all() throws(SpoolError) -> [(type: JobType, definition: Result<Definition, JobError>)] {
        try names().map { type in
            do throws(JobError) {
                return (type, .success(try definition(of: type)))
            } catch {
                return (type, .failure(error))
            }
        }
    }

    mutating func problems(of types: [JobType]) throws(SpoolError) -> TypeProblems {
        try followDirectory()
        var problems = TypeProblems(directory: try directoryProblem())
        for type in types {
            if case .failure(let error) = try lookUp(type) { problems.types[type.string] = error.message }
        }
        return problems
    }

    /// Another directory may have its path by now, as when a link is set to a new release.
    /// - Throws: `SpoolError` when none has: that says nothing about the types in it.
    private mutating func followDirectory() throws(SpoolError) {
        guard let present = directory else { return }
        guard let found = try FileStat(following: present.path, system: present.system) else {
            throw SpoolError(.stat, present.path, code: ENOENT)
        }
        if try found.isSameFile(as: Self.stat(of: present)) { return }
        directory = try Directory.open(present.path, system: present.system)
        cache = [:]
    }

    /// Why no definition of the directory can be used; nil when they can.
    package func directoryProblem() throws(SpoolError) -> String? {
        guard let directory, let problem = distrust(try Self.stat(of: directory)) else { return nil }
        return "\(directory.path) is refused: \(problem)"
    }

    // MARK: Files

    private typealias Found = Result<DefinitionFile, JobError>

    private mutating func merged(_ type: JobType, depth: Int) throws(SpoolError) -> Found {
        let own = try file(of: type)
        let found = own ?? builtIn[type].map { .success($0) } ?? .failure(unknown(type))
        guard case .success(let file) = found, let base = file.extends else { return found }
        guard depth < Self.maximumDepth else {
            return .failure(
                JobError(
                    .unknownType,
                    "the definition of \"\(type)\" extends itself, or more than \(Self.maximumDepth) types")
            )
        }
        // A file may refine the built-in type of its own name.
        if base == type, let builtIn = builtIn[type] { return .success(file.extending(builtIn)) }
        if builtIn[base] == nil, try self.file(of: base) == nil {
            let problem = unknown(base).message
            return .failure(JobError(.unknownType, "the definition of \"\(type)\" extends \"\(base)\": \(problem)"))
        }
        return try merged(base, depth: depth + 1).map { file.extending($0) }
    }

    /// The definition in the types directory; nil when there is none. The directory may have been mended, or spoiled, while the file has stayed
    /// as it was.
    private mutating func file(of type: JobType) throws(SpoolError) -> Found? {
        guard let directory, case let name = FileName("\(type).json"), let stat = try directory.stat(name) else {
            return nil
        }
        let path = directory.path(name)
        guard stat.kind == .file else {
            return .failure(JobError(.unknownType, "the definition \(path) is \(stat.kind.rawValue): put a file there"))
        }
        let folder = try Self.stat(of: directory)
        if let problem = distrust(stat) ?? distrust(folder) {
            return .failure(JobError(.unknownType, "the definition \(path) is refused: \(problem)"))
        }
        if let known = cache[type], known.stat == stat { return known.file }
        let opened: FileStat
        let bytes: [UInt8]
        do {
            let file = try directory.open(name, O_RDONLY)
            opened = try file.stat()
            bytes = try file.read(limit: Self.maximumBytes)
        } catch {
            guard Self.isAnswer(error) else { throw error }
            return .failure(JobError(.unknownType, "the definition \(path) is not valid: \(error)"))
        }
        // What is read is what is trusted: another file may have got the name meanwhile.
        if let problem = distrust(opened) {
            return .failure(JobError(.unknownType, "the definition \(path) is refused: \(problem)"))
        }
        let found = decode(bytes, path, in: directory)
        cache[type] = (opened, found)
        return found
    }

    private func decode(_ bytes: [UInt8], _ path: String, in directory: Directory) -> Found {
        do {
            guard let object = try JSON(parsing: bytes).object else {
                return .failure(JobError(.unknownType, "the definition \(path) is no JSON object"))
            }
            return .success(try DefinitionFile(decoding: object).resolvingCommand(in: directory.path))
        } catch let error as JobError {
            return .failure(error)
        } catch {
            return .failure(JobError(.unknownType, "the definition \(path) is not valid: \(error)"))
        }
    }

    /// Whether an error says something about the file; any other passes.
    private static func isAnswer(_ error: SpoolError) -> Bool {
        error.isForbidden || [ENOENT, ELOOP, ENXIO, EISDIR].contains(error.code)
    }

    private static func stat(of directory: Directory) throws(SpoolError) -> FileStat {
        guard let stat = try directory.stat(FileName(".")) else {
            throw SpoolError(.stat, directory.path, code: ENOENT)
        }
        return stat
    }

    /// Why a file or directory is not to be trusted, with the remedy; nil when it is. As sshd does with keys.
    private func distrust(_ stat: FileStat) -> String? {
        let what = stat.kind == .directory ? "its directory" : "it"
        if stat.owner != user, stat.owner != 0 {
            return "\(what) belongs to \(Users.name(of: stat.owner)), not to the daemon's user: chown it"
        }
        if stat.mode & 0o022 != 0 { return "\(what) can be written by others than its owner: chmod go-w" }
        return nil
    }

    // MARK: Names

    /// All types, by name.
    mutating func names() throws(SpoolError) -> [JobType] {
        try followDirectory()
        return try presentNames()
    }

    private func presentNames() throws(SpoolError) -> [JobType] {
        var names = Set(builtIn.keys)
        for entry in try directory?.entries() ?? [] {
            guard let name = entry.string, name.hasSuffix(".json"), let type = JobType(String(name.dropLast(5))) else {
                continue
            }
            names.insert(type)
        }
        return names.sorted()
    }

    private func unknown(_ type: JobType) -> JobError {
        var known: [String] = []
        do throws(SpoolError) {
            known = try presentNames().map(\.string)
        } catch {
            return JobError(.unknownType, "there is no type \"\(type)\", and the types cannot be listed: \(error)")
        }
        let nearest = nearestWord(to: type.string, among: known).map { "; did you mean \"\($0)\"?" } ?? "."
        let list = known.isEmpty ? "none" : known.joined(separator: ", ")
        return JobError(
            .unknownType, "there is no type \"\(type)\"\(nearest) The types are: \(list)",
            details: ["type": .string(type.string)])
    }
}

extension DefinitionFile {
    /// A program named by a relative path is meant from the definition's own directory.
    fileprivate func resolvingCommand(in directory: String) -> DefinitionFile {
        guard let program = command?.first, program.contains("/"), !program.hasPrefix("/") else { return self }
        var resolved = self
        resolved.command?[0] = "\(directory)/\(program)"
        return resolved
    }
}
