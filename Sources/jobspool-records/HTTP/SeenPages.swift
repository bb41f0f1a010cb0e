/// The pages that were read, by their address and by what they held: one that comes again means that the API goes round
/// in a circle. 32 bytes a page are kept.
import JSONText
import JobHandler

struct SeenPages {
    private var marks: Set<Digest> = []
    private var contents: [Digest: Int] = [:]

    /// Half of a SHA-256: enough to tell pages apart.
    private struct Digest: Hashable {
        let high: UInt64
        let low: UInt64

        init(_ hash: [UInt8]) {
            func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
            (high, low) = (word(hash[0..<8]), word(hash[8..<16]))
        }
    }

    /// - Throws: `JobFailure` PAGINATION_LOOP.
    mutating func insert(
        _ request: HTTPConnection.Request, _ body: PageBody, number: Int, _ credentials: Credentials
    ) throws(JobFailure) {
        func loop(_ what: String) -> JobFailure {
            HTTPFailures.cleared(
                JobFailure(
                    "PAGINATION_LOOP", "\(request.name): page \(number) \(what): the API goes round in a circle",
                    details: ["page": JSON(number)]), of: credentials)
        }
        guard marks.insert(Digest(SHA256.hash(Array(request.address.text.utf8)))).inserted else {
            throw loop("has the address of an earlier page")
        }
        guard body.count > 0 else { return }
        if let earlier = contents.updateValue(number, forKey: Digest(body.hash)) {
            throw loop("has the records of page \(earlier)")
        }
    }
}
