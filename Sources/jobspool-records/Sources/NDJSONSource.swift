/// Newline-delimited JSON: an object a line. Empty lines count for nothing.
import JSONText

final class NDJSONSource: RecordSource {
    let name: String
    private let lines: LineReader
    private var layout: FieldLayout?

    init(_ path: String) throws {
        name = path
        lines = try LineReader(path)
    }

    func read(into batch: inout RecordBatch) async throws -> Bool {
        batch.places.unit = "line"
        while !batch.isFull {
            guard try lines.next({ line in append(line, at: Place(number: lines.line), to: &batch) }) else {
                return false
            }
        }
        return true
    }

    private func append(_ line: UnsafeBufferPointer<UInt8>, at place: Place, to batch: inout RecordBatch) {
        guard line.contains(where: { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 }) else { return }
        do throws(JSONSyntaxError) {
            switch try JSON(parsing: line) {
            case .object(let object): layout = batch.append(object, like: layout, at: place)
            case let other:
                batch.end(.init(code: "NOT_AN_OBJECT", message: "is \(other.kind), not an object"), at: place)
            }
        } catch {
            batch.end(.init(code: "INVALID_JSON", message: "\(error)"), at: place)
        }
    }
}
