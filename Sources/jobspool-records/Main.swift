/// The built-in job types for records. See `JobHandlerMain` for how a job gets in and out.
import Glibc
import JobHandler

@main
struct Main {
    static func main() async {
        let types: [String: any JobType.Type] = ["records.sync": RecordsSync.self, "records.match": RecordsMatch.self]
        exit(await JobHandlerMain.run(types: types).rawValue)
    }
}
