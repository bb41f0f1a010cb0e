/// The tables of a cache and of an index. Rows hold nothing that depends on when or how often a job ran, so that a job that
/// was interrupted and resumed leaves the same rows as one that was not.
extension LibraryDatabase {
    static let cache = LibraryDatabase(
        kind: "cache", applicationID: 0x4A53_5063,
        tables: """
            -- A document as it was read, with how many references lead to it from the own set at the least.
            CREATE TABLE document (
                id INTEGER PRIMARY KEY, iri TEXT NOT NULL UNIQUE, name TEXT NOT NULL, depth INTEGER NOT NULL,
                format TEXT NOT NULL, hash TEXT NOT NULL, content BLOB NOT NULL);
            -- What it says; values in JSON-LD's expanded form.
            CREATE TABLE statement (
                id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES document, subject TEXT NOT NULL,
                predicate TEXT NOT NULL, value TEXT NOT NULL);
            CREATE INDEX statement_by_document ON statement (document);
            CREATE INDEX statement_by_subject ON statement (subject);
            CREATE INDEX type_by_subject ON statement (subject, value, document)
                WHERE predicate = '\(Vocabulary.type)';
            CREATE INDEX type_by_value ON statement (value) WHERE predicate = '\(Vocabulary.type)';
            -- The words of statements, by the statement's id.
            CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');
            -- The documents that it refers to.
            CREATE TABLE reference (
                document INTEGER NOT NULL REFERENCES document, position INTEGER NOT NULL, iri TEXT NOT NULL,
                PRIMARY KEY (document, position)) WITHOUT ROWID;
            -- The refresh that is not over: its identity, and every document that it has come upon.
            CREATE TABLE refresh (run TEXT NOT NULL, params TEXT NOT NULL);
            CREATE TABLE visit (
                id INTEGER PRIMARY KEY, iri TEXT NOT NULL UNIQUE, location TEXT NOT NULL, name TEXT NOT NULL,
                depth INTEGER NOT NULL, outcome TEXT);
            CREATE INDEX visit_to_make ON visit (id) WHERE outcome IS NULL;
            -- What a target of uploads has got from here.
            CREATE TABLE upload (
                target TEXT NOT NULL, iri TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL,
                PRIMARY KEY (target, name)) WITHOUT ROWID;
            """,
        upgrades: [
            """
            -- What a target may have got from here: it was on its way when the job was last heard of.
            CREATE TABLE sending (
                target TEXT NOT NULL, iri TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL,
                PRIMARY KEY (target, name)) WITHOUT ROWID;
            """
        ])

    static let index = LibraryDatabase(
        kind: "index", applicationID: 0x4A53_5069,
        tables: """
            -- The directory that the index is of.
            CREATE TABLE root (path TEXT NOT NULL);
            -- A document as it was when it was read; its time is in nanoseconds since 1970.
            CREATE TABLE document (
                id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, format TEXT NOT NULL, size INTEGER NOT NULL,
                modified INTEGER NOT NULL, properties TEXT NOT NULL);
            -- Its words, by its id.
            CREATE VIRTUAL TABLE words USING fts5 (
                title, headings, text, tokenize = 'unicode61 remove_diacritics 2');
            """,
        upgrades: [
            """
            -- When the document was last changed in any way (its ctime), in nanoseconds since 1970; 0 when that was not written down.
            ALTER TABLE document ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
            """
        ])
}
