/// Lengths of time on the command line.
import ArgumentParser
import SpoolProtocol

/// - Throws: `ValidationError` that says what to write.
func retentionTime(_ text: String) throws -> RetentionTime {
    do throws(RetentionTime.Problem) {
        return try RetentionTime(text)
    } catch {
        throw ValidationError("\(error)")
    }
}
