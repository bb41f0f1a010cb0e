import GRDB
import Testing

/// What the library needs of the SQLite that it is linked with.
@Suite struct SQLiteTests {
    @Test func fullTextSearchFoldsCaseAndAccents() throws {
        let found = try DatabaseQueue().write { database in
            try database.execute(
                sql: "CREATE VIRTUAL TABLE text USING fts5(body, tokenize = 'unicode61 remove_diacritics 2')")
            try database.execute(sql: "INSERT INTO text VALUES ('Eine NaÏve Idee'), ('o\u{302}\u{323}ng')")
            return try ["naive", "NAÏVE", "ộng", "nave"].map { word in
                try Int.fetchOne(database, sql: "SELECT count(*) FROM text WHERE text MATCH ?", arguments: [word])
            }
        }
        #expect(found == [1, 1, 1, 0])
    }
}
