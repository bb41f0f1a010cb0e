/// A command that speaks Singer: RECORD, SCHEMA and STATE messages, a JSON object a line. The last state before which nothing was
/// left is the bookmark, and the next incremental job gives it to the command in a file. A later record of a key supersedes an earlier one.
import Glibc
import JSONText
import JobHandler

final class SingerSource: RecordSource {
    let name: String
    let isStreamOfChanges = true
    private(set) var key: [String]?
    private let job: Job
    private let tap: Tap
    private let stateFile: StateFile?
    private var stream: String?
    private let isStreamGiven: Bool
    private let parser: JSONRecordParser
    private var number = 0
    /// Whether the stream to take has sent a message.
    private var isThere = false
    /// Whether an earlier job has come to a state of this stream.
    private let isKnown: Bool
    /// Records of other streams.
    private var leftOut: [String: Int] = [:]

    init(_ params: CommandSourceParams, _ context: SourceContext) throws {
        name = params.name
        job = context.job
        stream = params.stream
        isStreamGiven = params.stream != nil
        isKnown = context.bookmark != nil
        parser = JSONRecordParser(LayoutCache())
        let mark = CommandSourceParams.stateMark
        stateFile = params.arguments.contains { $0.contains(mark) } ? try StateFile(context.bookmark ?? [:]) : nil
        let path = stateFile?.path ?? ""
        tap = try Tap(params.arguments.map { $0.split(mark, joinedBy: path) }, job)
    }

    func close() async {
        tap.stop()
        stateFile?.remove()
    }

    func read(into batch: inout RecordBatch) async throws -> Bool {
        while !batch.isFull {
            guard let line = try tap.nextLine() else {
                try tellLeftOut()
                return false
            }
            try take(line, into: &batch)
        }
        return true
    }

    private func take(_ line: UnsafeBufferPointer<UInt8>, into batch: inout RecordBatch) throws {
        guard let message = SingerMessage(line) else { return takeOther(line, into: &batch) }
        switch message.type {
        case "RECORD":
            guard try isWanted(message.stream) else {
                leftOut[message.stream, default: 0] += 1
                return
            }
            number += 1
            let place = Place(number: number)
            guard let record = message.record else {
                return batch.end(
                    .init(code: "INVALID_RECORD", message: "record \(number) has no `record`"), at: place)
            }
            parser.append(record, at: place, to: &batch)
        case "SCHEMA":
            if try isWanted(message.stream) { takeKey(message.keyProperties) }
        case "STATE":
            // What came before it is in this batch or an earlier one, and is in the target before the state counts.
            if let state = message.value { batch.append(bookmark: state) }
        case "BATCH":
            throw JobFailure("NOT_SUPPORTED", "the command sends BATCH messages: tell it to send records")
        default: break
        }
    }

    /// A line that is no message. One that begins as a message does may have been a record: if it were only logged, a mirror would
    /// delete that record's row, and a state would pass it. An object with nothing of a record is somebody's log.
    private func takeOther(_ line: UnsafeBufferPointer<UInt8>, into batch: inout RecordBatch) {
        var scanner = JSONScanner(line)
        guard scanner.peek() == UInt8(ascii: "{") else { return tell(line) }
        let reason: String
        do throws(JSONSyntaxError) {
            let object = try JSON(parsing: line)
            if ["type", "record", "stream"].allSatisfy({ object[$0] == nil }) { return tell(line) }
            reason = "it has no `type`"
        } catch {
            reason = "\(error)"
        }
        number += 1
        batch.end(
            .init(code: "INVALID_MESSAGE", message: "record \(number) is no message: \(reason)"),
            at: Place(number: number))
    }

    private func tell(_ line: UnsafeBufferPointer<UInt8>) {
        job.log(String(decoding: line, as: UTF8.self).printable(limit: 2000))
    }

    /// Where the stream to take has sent nothing, not even a schema, its name may be wrong, and to succeed would hide that. When it
    /// has been there before, nothing may be new.
    private func tellLeftOut() throws(JobFailure) {
        let streams = leftOut.sorted { $0.key < $1.key }
        if let stream, !isThere, !isKnown, !streams.isEmpty {
            let names = streams.map { $0.key.printable(limit: 200) }.joined(separator: ", ")
            throw JobFailure(
                "RECORDS_MISSING",
                """
                the command sends nothing of the stream \(stream.printable(limit: 200)), but records of \(names): \
                `entity`, or `stream` in the source, has to name one of these
                """,
                details: ["stream": .string(stream), "streams": .array(streams.map { .string($0.key) })])
        }
        for (stream, count) in streams { job.log("Left out \(count) records of the stream \(stream)") }
    }

    private func takeKey(_ properties: [String]) {
        if !properties.isEmpty { key = properties }
    }

    /// Whether this is the stream to take: the one that is named, or the only one that there is.
    private func isWanted(_ stream: String) throws(JobFailure) -> Bool {
        guard let wanted = self.stream else {
            (self.stream, isThere) = (stream, true)
            return true
        }
        if wanted == stream {
            isThere = true
            return true
        }
        guard isStreamGiven else {
            throw .invalidParams(
                field: "params.entity",
                "the command sends several streams, \(wanted) and \(stream): `entity` has to say which to take")
        }
        return false
    }
}

/// A message, taken apart only as far as it matters.
private struct SingerMessage {
    var type = ""
    var stream = ""
    /// Of a RECORD: the object as it stands in the line.
    var record: UnsafeBufferPointer<UInt8>?
    /// Of a SCHEMA.
    var keyProperties: [String] = []
    /// Of a STATE.
    var value: JSON?

    /// nil for a line that is no message.
    init?(_ line: UnsafeBufferPointer<UInt8>) {
        var scanner = JSONScanner(line)
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        repeat {
            guard let (key, _) = scanner.takeString(), scanner.take(UInt8(ascii: ":")), let value = scanner.takeAny()
            else {
                return nil
            }
            switch String(decoding: key, as: UTF8.self) {
            case "type": type = Self.json(value)?.string ?? ""
            case "stream": stream = Self.json(value)?.string ?? ""
            case "record": record = value
            case "key_properties": keyProperties = Self.json(value)?.array?.compactMap(\.string) ?? []
            case "value": self.value = Self.json(value)
            default: break
            }
        } while scanner.take(UInt8(ascii: ","))
        guard scanner.take(UInt8(ascii: "}")), scanner.isAtEnd, !type.isEmpty else { return nil }
    }

    private static func json(_ bytes: UnsafeBufferPointer<UInt8>) -> JSON? {
        do {
            return try JSON(parsing: bytes)
        } catch {
            return nil
        }
    }
}

/// The file by which a command gets its state: readable by nobody else.
private struct StateFile {
    let path: String

    init(_ state: JSON) throws {
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(directory)/jobspool-state-XXXXXX".utf8CString)
        let file = try systemCall("mkstemp", directory) { mkstemp(&template) }
        defer { close(file) }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        try state.bytes.withUnsafeBytes { try TemporaryFile.write($0, to: file) }
    }

    func remove() { unlink(path) }
}

extension String {
    /// With each occurrence of `mark` replaced.
    fileprivate func split(_ mark: String, joinedBy other: String) -> String {
        var (result, rest) = ("", self[...])
        while let range = rest.firstRange(of: mark) {
            result += rest[..<range.lowerBound] + other
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
