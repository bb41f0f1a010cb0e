/// Where in its source a record stands, for people: a file and a line, or a number.
struct Place: Sendable, Equatable {
    /// Which of the source's files, from 0; always 0 for sources that are no files.
    var file = 0
    /// The line, or the number of the record where there are no lines; from 1.
    var number: Int
}

/// How a source's places are named: "line 17", "b.csv:17" where there are several files, "record 17".
struct PlaceNames: Sendable, Equatable {
    /// What is counted: "line", "record", "page".
    var unit = "record"
    /// The files' names, when there is more than one.
    var files: [String] = []

    func name(_ place: Place) -> String {
        files.indices.contains(place.file)
            ? "\(files[place.file]):\(place.number)" : "\(unit) \(place.number)"
    }
}
