/// The job types that come with the package. Each is an executable beside this one; a definition in the types directory
/// refines it by `extends`, or replaces it by bearing its name.
import JSONText
import SpoolProtocol

enum BuiltInTypes {
    static let all: [JobType: DefinitionFile] = Dictionary(
        uniqueKeysWithValues: [
            make("documents.sync", "Bring one directory tree to what another holds", "jobspool-documents"),
            make("records.sync", "Bring records from a source to a target", "jobspool-records"),
            make("records.match", "Pair the records of two sources one to one", "jobspool-records"),
            make("documents.index", "Keep a full-text index of a directory", "jobspool-library"),
            make("cache.refresh", "Read linked documents into a cache", "jobspool-library"),
            make("cache.upload", "Send what changed in a cache to a target", "jobspool-library"),
            make("search", "Find documents in indexes and caches", "jobspool-library"),
            make("search.subject", "Tell all that is known of a subject", "jobspool-library"),
        ])

    private static func make(_ name: String, _ description: String, _ program: String) -> (JobType, DefinitionFile) {
        guard let type = JobType(name) else { preconditionFailure("\(name) is no type's name") }
        var file = DefinitionFile()
        file.description = description
        file.command = [program, name]
        file.dryRun = true
        return (type, file)
    }
}
