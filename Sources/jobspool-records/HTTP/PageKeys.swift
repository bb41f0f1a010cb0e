/// The keys of the records on the last two pages. By them it is known whether a page has got records since it was read: those of
/// the page after it slide onto it when records before them are deleted, or move to the end because they are changed.
struct PageKeys {
    private let identifier: RecordIdentifier
    private let parser = JSONRecordParser(LayoutCache())
    /// Of the page that was read last, and of the one before.
    private var (last, before): (Set<[UInt8]>, Set<[UInt8]>) = ([], [])

    enum Look: Equatable {
        /// It has no record that was not on one of the two pages; those that slid down from the page before are known.
        case whole
        /// It has new ones, at these indices.
        case hasNew(Set<Int>)
        /// It has no record that it had: where those of the next page are is not known.
        case isAnother
    }

    /// - Parameter key: the fields that make it.
    init(_ key: [String]) { identifier = RecordIdentifier(key: key, compareFields: [], ignoreFields: []) }

    /// - Parameter body: a page that was read, as it came.
    mutating func turn(to body: PageBody) { (before, last) = (last, Set(keys(of: body).filter { !$0.isEmpty })) }

    /// Takes the page that was read last as it is now; nil when there is none.
    mutating func lookAgain(at body: PageBody?) -> Look {
        let keys = body.map { self.keys(of: $0) } ?? []
        let known = last.union(before)
        let new = Set(keys.indices.filter { !keys[$0].isEmpty && !known.contains(keys[$0]) })
        if !last.isEmpty, !keys.contains(where: { known.contains($0) }) { return .isAnother }
        last.formUnion(keys)
        return new.isEmpty ? .whole : .hasNew(new)
    }

    /// Empty for what has none.
    private func keys(of body: PageBody) -> [[UInt8]] {
        var body = body
        var batch = RecordBatch(limit: max(1, body.count))
        while !body.isDone { body.appendNext(at: Place(number: body.done + 1), to: &batch, parser) }
        identifier.identify(&batch)
        return batch.entries.map { Array(batch.bytes[$0.key]) }
    }
}
