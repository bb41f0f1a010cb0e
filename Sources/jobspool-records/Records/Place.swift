/// Where in its source a record stands, for people: a file and a line, or a number.
struct Place: Sendable, Equatable {
    /// Which of the source's files, from 0; always 0 for sources that are no files.
    var file = 0
    /// The line, or the number of the record where there are no lines; from 1.
    var number: Int
}
