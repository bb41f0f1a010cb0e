/// The keys and normalised values of both sides in a temporary database, which finds out what belongs together: so memory does not
/// grow with the records.
import GRDB

final class MatchTables {
    enum Side: String { case left, right }

    /// Why a left record has no match; a later one says more than an earlier one.
    enum Reason: Int, CaseIterable {
        case noValue = 1
        case noMatch
        case taken
        case severalLeft
        case severalRight
        case uncertain

        var name: String {
            switch self {
            case .noValue: "NO_VALUE"
            case .noMatch: "NO_MATCH"
            case .taken: "TAKEN"
            case .severalLeft: "SEVERAL_LEFT"
            case .severalRight: "SEVERAL_RIGHT"
            case .uncertain: "UNCERTAIN"
            }
        }

        var text: String {
            switch self {
            case .noValue: "have no value to match by"
            case .noMatch: "match no right record"
            case .taken: "match a right record that has a match already"
            case .severalLeft: "have a value that several left records have"
            case .severalRight: "match several right records"
            case .uncertain: "match one right record among those that could be read"
            }
        }
    }

    struct Match {
        let left: String
        let right: String
        /// Which rule, from 0.
        let rule: Int
        let value: String
    }

    private let queue: DatabaseQueue
    private let rules: Int

    /// - Parameter rules: how many there are.
    init(rules: Int) throws {
        self.rules = rules
        queue = try DatabaseQueue(path: "")
        let values = (0..<rules).map { ", value\($0) TEXT" }.joined()
        try queue.inDatabase { database in
            try database.execute(
                sql: """
                    PRAGMA journal_mode = OFF;
                    PRAGMA cache_size = -16000;
                    CREATE TABLE left (
                        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, match INTEGER, rule INTEGER, reason INTEGER NOT NULL DEFAULT 0
                        \(values));
                    CREATE TABLE right (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, isTaken INTEGER NOT NULL DEFAULT 0\(values));
                    CREATE TABLE leftOthers (id INTEGER PRIMARY KEY, key TEXT\(values));
                    CREATE TABLE rightOthers (id INTEGER PRIMARY KEY, key TEXT\(values));
                    CREATE TABLE standing (left TEXT NOT NULL, right TEXT NOT NULL);
                    """)
        }
    }

    /// - Parameter values: one for each rule; nil for one that matches nothing.
    /// - Returns: false when there is a record of this key already.
    func insert(_ key: String, _ values: [String?], into side: Side) throws -> Bool {
        try insert([key] + values, into: side.rawValue)
    }

    /// A record that is not matched: it has a key that is there already, or none. Its values are not unique for that.
    func insertOther(_ key: String?, _ values: [String?], into side: Side) throws {
        _ = try insert([key] + values, into: side.rawValue + "Others")
    }

    private func insert(_ row: [String?], into table: String) throws -> Bool {
        try queue.inDatabase { database in
            let names = (0..<rules).map { ", value\($0)" }.joined()
            let statement = try database.cachedStatement(
                sql: "INSERT OR IGNORE INTO \(table) (key\(names)) VALUES (?\(String(repeating: ", ?", count: rules)))")
            try statement.execute(arguments: StatementArguments(row))
            return database.changesCount > 0
        }
    }

    /// A mapping from an earlier job: neither record is matched again.
    func keep(left: String, right: String) throws {
        try queue.inDatabase { database in
            try database.cachedStatement(sql: "INSERT INTO standing VALUES (?, ?)").execute(arguments: [left, right])
        }
    }

    /// Marks what the standing mappings concern.
    /// - Returns: how many left records they concern.
    func applyStanding() throws -> Int {
        try queue.inDatabase { database in
            try database.execute(sql: "UPDATE right SET isTaken = 1 WHERE key IN (SELECT right FROM standing)")
            try database.execute(sql: "UPDATE left SET match = -1 WHERE key IN (SELECT left FROM standing)")
            return database.changesCount
        }
    }

    /// Matches by one rule what no earlier one has matched. A value counts only when one record of each side has it, also among
    /// those that are matched already.
    func match(rule: Int) throws {
        let value = "value\(rule)"
        let (left, right) = (values(of: .left, value), values(of: .right, value))
        try queue.inDatabase { database in
            try database.execute(
                sql: """
                    CREATE TABLE leftValues AS
                        SELECT value, COUNT(*) AS count FROM (\(left)) GROUP BY value;
                    CREATE UNIQUE INDEX leftValue ON leftValues (value);
                    CREATE TABLE rightValues AS
                        SELECT value, COUNT(*) AS count, MIN(id) AS id FROM (\(right)) GROUP BY value;
                    CREATE UNIQUE INDEX rightValue ON rightValues (value);
                    UPDATE left SET reason = MAX(reason, (
                        SELECT CASE
                            WHEN left.\(value) IS NULL THEN \(Reason.noValue.rawValue)
                            WHEN r.id IS NULL THEN \(Reason.noMatch.rawValue)
                            WHEN r.count > 1 THEN \(Reason.severalRight.rawValue)
                            WHEN l.count > 1 THEN \(Reason.severalLeft.rawValue)
                            WHEN (SELECT isTaken FROM right WHERE id = r.id) THEN \(Reason.taken.rawValue)
                            ELSE 0 END
                        FROM (SELECT 1) LEFT JOIN leftValues l ON l.value = left.\(value)
                            LEFT JOIN rightValues r ON r.value = left.\(value)))
                        WHERE match IS NULL;
                    UPDATE left SET rule = \(rule), match = (
                        SELECT r.id FROM leftValues l JOIN rightValues r ON r.value = l.value JOIN right ON right.id = r.id
                        WHERE l.value = left.\(value) AND l.count = 1 AND r.count = 1 AND NOT right.isTaken)
                        WHERE match IS NULL;
                    UPDATE right SET isTaken = 1 WHERE id IN (SELECT match FROM left WHERE match > 0);
                    DROP TABLE leftValues;
                    DROP TABLE rightValues;
                    """)
        }
    }

    /// The values of a side, each once for every record that has it; what comes twice under one key is one record's.
    private func values(of side: Side, _ value: String) -> String {
        """
        SELECT \(value) AS value, id FROM \(side.rawValue) WHERE \(value) IS NOT NULL
        UNION ALL
        SELECT o.\(value), NULL FROM \(side.rawValue)Others o LEFT JOIN \(side.rawValue) s ON s.key = o.key
            WHERE o.\(value) IS NOT NULL AND s.\(value) IS NOT o.\(value) GROUP BY COALESCE(o.key, o.id), o.\(value)
        """
    }

    /// Records that could not be read may have the values of others: nothing new is certain.
    func withhold() throws {
        try queue.inDatabase { database in
            try database.execute(
                sql: "UPDATE left SET match = NULL, reason = \(Reason.uncertain.rawValue) WHERE match > 0")
        }
    }

    // MARK: What came of it

    /// Calls `body` with each match, in the order of the left records.
    func forEachMatch(_ body: (Match) throws -> Void) throws {
        try queue.inDatabase { database in
            let values = (0..<rules).map { "WHEN \($0) THEN left.value\($0)" }.joined(separator: " ")
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT left.key, right.key, left.rule, CASE left.rule \(values) END
                    FROM left JOIN right ON right.id = left.match WHERE left.match > 0 ORDER BY left.id
                    """)
            while let row = try rows.next() {
                try body(Match(left: row[0], right: row[1], rule: row[2], value: row[3]))
            }
        }
    }

    /// Calls `body` with each left record that has no match.
    func forEachSkipped(_ body: (_ key: String, Reason) throws -> Void) throws {
        try queue.inDatabase { database in
            let rows = try Row.fetchCursor(
                database, sql: "SELECT key, reason FROM left WHERE match IS NULL ORDER BY id")
            while let row = try rows.next() {
                try body(row[0], Reason(rawValue: row[1]) ?? .noMatch)
            }
        }
    }
}
