/// The built-in job types for a library: a cache of linked documents, a full-text index, and searches in both. See
/// `JobHandlerMain` for how a job gets in and out.
import Glibc
import JobHandler

@main
struct Main {
    static func main() async {
        let types: [String: any JobType.Type] = [
            "cache.refresh": CacheRefresh.self, "cache.upload": CacheUpload.self, "search": Search.self,
            "search.subject": SubjectSearch.self, "documents.index": DocumentsIndex.self,
        ]
        exit(await JobHandlerMain.run(types: types).rawValue)
    }
}
