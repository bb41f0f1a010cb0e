/// Moves the files of a finished job out of the way, whole families at a time: they are gathered in
/// `.jobspool/archiving/NAME~JOB_ID/` and renamed as one into `archive/YYYY/MM/DD/`. A daemon that dies in between
/// finds the gathered part and completes it. The result is moved last: until then the family is still the job's.
import JSONText
package import SpoolProtocol

extension Spool {
    /// Moves the family of a job that is over, if there is one. The request stays: it is what the new run is for.
    package func archiveFamily(of name: JobName) throws(SpoolError) {
        guard let result = try readOwn(.result(name)) else { return }
        let jobID = result["job_id"]?.string.flatMap { UUIDText($0)?.string } ?? makeUUID()
        let finished = result["updated_at"]?.string.flatMap(Timestamp.init) ?? Clock.now()
        let gathering = try home.makeDirectory("archiving", mode: 0o700)
        let family = FileName("\(name)~\(jobID)")
        let place = try gathering.makeDirectory("\(name)~\(jobID)", mode: 0o755)
        for file in [SpoolFile.status(name), .log(name), .errors(name), .result(name)] {
            guard let fileName = file.fileName, try isOwn(fileName) else { continue }
            try root.rename(fileName, to: place, fileName)
        }
        try gathering.rename(family, to: try archiveDay(finished), family)
    }

    /// Completes what a daemon that died had begun.
    package func completeArchiving() throws(SpoolError) {
        let gathering = try home.makeDirectory("archiving", mode: 0o700)
        for family in try gathering.entries() {
            guard let text = family.string, let mark = text.lastIndex(of: "~") else { continue }
            let jobID = text[text.index(after: mark)...]
            do {
                let name = try JobName(String(text[..<mark]))
                let place = try gathering.directory(text)
                if let result = try readOwn(.result(name)), result["job_id"]?.string == String(jobID) {
                    for file in [SpoolFile.status(name), .log(name), .errors(name), .result(name)] {
                        guard let fileName = file.fileName, try isOwn(fileName) else { continue }
                        try root.rename(fileName, to: place, fileName)
                    }
                }
            } catch let error as SpoolError {
                throw error
            } catch {
                // No family of ours; it is kept all the same.
            }
            try gathering.rename(family, to: try archiveDay(Clock.now()), family)
        }
    }

    private func archiveDay(_ time: Timestamp) throws(SpoolError) -> Directory {
        var directory = try openArchive()
        for part in time.description.prefix(10).split(separator: "-") {
            directory = try directory.makeDirectory(String(part), mode: 0o755)
        }
        return directory
    }
}

/// A UUID's text, so that what a file says can be part of a path.
private struct UUIDText {
    let string: String

    init?(_ text: String) {
        guard text.utf8.count == 36, text.utf8.allSatisfy({ $0 == 0x2D || Character(Unicode.Scalar($0)).isHexDigit })
        else {
            return nil
        }
        string = text
    }
}
