/// The classes of characters that a set may name, `[[:digit:]]`, as POSIX has them (XBD, section 9.3.5) and as git reads them:
/// of ASCII alone, whatever the locale.
enum GlobClass {
    static let members: [String: [ClosedRange<UInt32>]] = [
        "alnum": digits + upper + lower, "alpha": upper + lower, "blank": [9...9, 32...32],
        "cntrl": [0...31, 127...127], "digit": digits, "graph": [33...126], "lower": lower, "print": [32...126],
        "punct": [33...47, 58...64, 91...96, 123...126], "space": [9...13, 32...32], "upper": upper,
        "xdigit": digits + [65...70, 97...102],
    ]

    private static let digits: [ClosedRange<UInt32>] = [48...57]
    private static let upper: [ClosedRange<UInt32>] = [65...90]
    private static let lower: [ClosedRange<UInt32>] = [97...122]
}
