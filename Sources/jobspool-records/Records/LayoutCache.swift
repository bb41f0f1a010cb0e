/// The layouts that a source has met, so that records of one shape share one.
final class LayoutCache {
    /// Shapes at the most: records of ever new ones must not fill the memory.
    private static let limit = 256

    private var layouts: [[UInt8]: FieldLayout] = [:]

    /// The layout of these names; nil when one of them is there twice.
    func layout(_ names: [String]) -> FieldLayout? {
        var joined: [UInt8] = []
        for name in names {
            joined.append(contentsOf: name.utf8)
            // No UTF-8 has this byte.
            joined.append(0xFF)
        }
        if let known = layouts[joined] { return known }
        guard Set(names.map { Array($0.utf8) }).count == names.count else { return nil }
        if layouts.count == Self.limit { layouts.removeAll() }
        let layout = FieldLayout(names)
        layouts[joined] = layout
        return layout
    }
}
