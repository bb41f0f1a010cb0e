/// The built-in job types for records. See `JobHandlerMain` for how a job gets in and out.
import Glibc
import JobHandler

@main
struct Main {
    static func main() async {
        exit(await JobHandlerMain.run(types: ["records.sync": RecordsSync.self]).rawValue)
    }
}
