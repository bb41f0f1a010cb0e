/// The text of a JSON document: its strings, without the keys, one a line. A file of one JSON text a line is as good.
import JSONText

enum JSONStrings {
    static func extract(_ bytes: [UInt8]) throws(TextError) -> DocumentText {
        let values = try parse(bytes)
        var strings: [UInt8] = []
        for value in values { collect(value, &strings) }
        var document = DocumentText(text: String(decoding: strings, as: UTF8.self))
        if values.count == 1, let top = values[0].object {
            let title = ["title", "name", "label"].lazy.compactMap { top[$0]?.string }.first
            document.title = (title ?? "").shortTitle
        }
        return document
    }

    private static func parse(_ bytes: [UInt8]) throws(TextError) -> [JSON] {
        let whole: JSONSyntaxError
        do {
            return [try JSON(parsing: bytes)]
        } catch {
            whole = error
        }
        var values: [JSON] = []
        for line in bytes.split(separator: 0x0A) where line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D })
        {
            do throws(JSONSyntaxError) {
                values.append(try JSON(parsing: Array(line)))
            } catch {
                throw TextError(code: "NOT_JSON", message: "it is no JSON: \(whole)")
            }
        }
        guard !values.isEmpty else { throw TextError(code: "NOT_JSON", message: "it is no JSON: \(whole)") }
        return values
    }

    private static func collect(_ value: JSON, _ strings: inout [UInt8]) {
        switch value {
        case .string(let string):
            // A NUL would end the text in the database.
            strings += string.utf8.lazy.map { $0 == 0 ? 0x20 : $0 }
            strings.append(0x0A)
        case .array(let elements): for element in elements { collect(element, &strings) }
        case .object(let object): for (_, value) in object.members { collect(value, &strings) }
        case .null, .bool, .number: break
        }
    }
}
