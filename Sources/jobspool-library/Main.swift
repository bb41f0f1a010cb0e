/// The built-in job types for a library: a cache of linked documents, a full-text index, and searches in both. See
/// `JobHandlerMain` for how a job gets in and out.
import Glibc
import JobHandler

@main
struct Main {
    static func main() async {
        exit(await JobHandlerMain.run(types: ["cache.refresh": CacheRefresh.self]).rawValue)
    }
}
