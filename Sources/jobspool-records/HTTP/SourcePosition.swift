/// How far an HTTP source was read: committed with the records, so that the next attempt of the job goes on with the page in hand.
import JSONText

struct SourcePosition: Sendable, Equatable {
    let mark: PageMark
    /// Records of the page that are done. Also a page of which all are is kept, and not the next one: only by what was read can be
    /// told whether that is where it was.
    let done: Int
    /// Of the page's records: those that are done are left out only when they are still the same ones.
    let hash: [UInt8]
    /// Records on the pages before it.
    let countBefore: Int
    /// Pages before it.
    let number: Int
    /// The least number of records in all that a page said.
    let total: Int?

    init(mark: PageMark, done: Int, hash: [UInt8], countBefore: Int, number: Int, total: Int?) {
        (self.mark, self.done, self.hash) = (mark, done, hash)
        (self.countBefore, self.number, self.total) = (countBefore, number, total)
    }

    var json: JSON {
        [
            "mark": mark.json, "done": JSON(done), "hash": .array(hash.map { JSON($0) }), "before": JSON(countBefore),
            "page": JSON(number), "total": JSON(total),
        ]
    }

    init?(_ json: JSON) {
        guard let mark = json["mark"].flatMap(PageMark.init), let done = json["done"]?.int,
            let hash = json["hash"]?.array, let before = json["before"]?.int, let number = json["page"]?.int
        else { return nil }
        self.init(
            mark: mark, done: done, hash: hash.compactMap { $0.int.flatMap { UInt8(exactly: $0) } },
            countBefore: before, number: number, total: json["total"]?.int)
    }
}
