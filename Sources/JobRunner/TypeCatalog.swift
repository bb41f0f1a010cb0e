/// The job types that the daemon knows: the built-in ones, and those of the types directory, which are read anew whenever
/// their files change. A definition says what runs as the daemon's user, so one that somebody else could have written is refused.
import Glibc
import JSONText
package import SpoolProtocol
package import SpoolStorage

package struct TypeCatalog {
    private let builtIn: [JobType: DefinitionFile]
    private let directory: Directory?
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
        let file = try merged(type, depth: 0)
        guard let definition = Definition(type: type, file) else {
            throw JobError(.unknownType, "the type \"\(type)\" has no `command`")
        }
        return definition
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

    // MARK: Files

    private mutating func merged(_ type: JobType, depth: Int) throws(JobError) -> DefinitionFile {
        guard let file = try file(of: type) ?? builtIn[type] else { throw unknown(type) }
        guard let base = file.extends else { return file }
        guard depth < Self.maximumDepth else {
            throw JobError(
                .unknownType, "the definition of \"\(type)\" extends itself, or more than \(Self.maximumDepth) types")
        }
        // A file may refine the built-in type of its own name.
        if base == type, let builtIn = builtIn[type] { return file.extending(builtIn) }
        return file.extending(try merged(base, depth: depth + 1))
    }

    /// The definition in the types directory; nil when there is none.
    private mutating func file(of type: JobType) throws(JobError) -> DefinitionFile? {
        guard let directory else { return nil }
        let name = FileName("\(type).json")
        let stat: FileStat?
        do throws(SpoolError) {
            stat = try directory.stat(name)
        } catch {
            throw JobError(.unknownType, "the definition of \"\(type)\" cannot be read: \(error)")
        }
        guard let stat else { return nil }
        if let known = cache[type], known.stat == stat { return try known.file.get() }
        return try read(type, name, in: directory)
    }

    private mutating func read(
        _ type: JobType, _ name: FileName, in directory: Directory
    ) throws(JobError) -> DefinitionFile {
        var found: FileStat?
        let result: Result<DefinitionFile, JobError>
        do {
            let file = try directory.open(name, O_RDONLY)
            let stat = try file.stat()
            found = stat
            let folder = try Self.stat(of: directory)
            if let problem = distrust(stat) ?? distrust(folder) {
                throw JobError(.unknownType, "the definition \(directory.path(name)) is refused: \(problem)")
            }
            guard let object = try JSON(parsing: try file.read(limit: Self.maximumBytes)).object else {
                throw JobError(.unknownType, "the definition \(directory.path(name)) is no JSON object")
            }
            result = .success(try DefinitionFile(decoding: object).resolvingCommand(in: directory.path))
        } catch let error as JobError {
            result = .failure(error)
        } catch {
            result = .failure(JobError(.unknownType, "the definition \(directory.path(name)) is not valid: \(error)"))
        }
        if let found { cache[type] = (found, result) }
        return try result.get()
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
    func names() throws(SpoolError) -> [JobType] {
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
            known = try names().map(\.string)
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
