/// How far an HTTP source was read: committed with the records, so that the next attempt of the job goes on with the page in hand.
import JSONText

struct SourcePosition: Sendable, Equatable {
    let mark: PageMark
    /// Records of the page that are done.
    let done: Int
    /// Of the page's records: those that are done are left out only when they are still the same ones.
    let hash: [UInt8]
    /// Records on the pages before it.
    let countBefore: Int
    /// Pages before it.
    let number: Int

    init(mark: PageMark, done: Int, hash: [UInt8], countBefore: Int, number: Int) {
        (self.mark, self.done, self.hash) = (mark, done, hash)
        (self.countBefore, self.number) = (countBefore, number)
    }

    var json: JSON {
        [
            "mark": mark.json, "done": JSON(done), "hash": .array(hash.map { JSON($0) }), "before": JSON(countBefore),
            "page": JSON(number),
        ]
    }

    init?(_ json: JSON) {
        guard let mark = json["mark"].flatMap(PageMark.init), let done = json["done"]?.int,
            let hash = json["hash"]?.array, let before = json["before"]?.int, let number = json["page"]?.int
        else { return nil }
        self.init(
            mark: mark, done: done, hash: hash.compactMap { $0.int.flatMap { UInt8(exactly: $0) } },
            countBefore: before,
            number: number)
    }
}
