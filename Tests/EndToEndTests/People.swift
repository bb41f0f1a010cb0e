/// Users and groups for tests of permissions, made with useradd(8) and gone with the test program. Their names have the number of
/// the process, so that test runs do not get in each other's way; those of runs that died are removed by the next one.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

/// A user, as setpriv(1) makes one.
struct Person: Sendable {
    let name: String

    /// What runs a command as this user, with its groups as the system has them.
    var prefix: [String] { ["/usr/bin/setpriv", "--reuid", name, "--regid", People.group, "--init-groups"] }
    var number: UInt32 { Users.number(of: name) ?? .max }
}

enum People {
    /// Why there may be none.
    static let areHere: Bool = geteuid() == 0
    static let excuse: Comment = "needs root to be several users"

    private static let mark = "jst\(getpid())"

    /// Everybody's primary group.
    static let group = "\(mark)all"
    /// Those who may drop, where not all may.
    static let droppers = "\(mark)drop"
    /// A group that types can allow.
    static let staff = "\(mark)staff"

    /// Serves the spool.
    static let daemon = Person(name: "\(mark)jobs")
    /// One of the staff.
    static let anna = Person(name: "\(mark)anna")
    static let bob = Person(name: "\(mark)bob")

    /// Makes them, once.
    static func invite() throws { try made.get() }

    private static let made: Result<Void, any Error> = Result {
        removeLeftovers()
        atexit { People.remove(mark: People.mark) }
        for group in [group, droppers, staff] { try run("groupadd \(group)") }
        for (person, groups) in [(daemon, droppers), (anna, "\(droppers),\(staff)"), (bob, droppers)] {
            try run("useradd -M -N -s /bin/sh -d /nonexistent -g \(group) -G \(groups) \(person.name)")
        }
    }

    /// Other programs may hold the lock of /etc/passwd for a moment.
    private static func run(_ command: String) throws {
        let status = system(
            "for i in 1 2 3 4 5 6 7 8 9 10; do \(command) 2>/dev/null && exit 0; sleep 0.3; done; \(command)")
        try #require(status == 0, "\(command)")
    }

    private static func remove(mark: String) {
        _ = system(
            """
            for u in $(sed -n 's/^\\(\(mark)[a-z]*\\):.*/\\1/p' /etc/passwd); do userdel $u; done 2>/dev/null
            for g in $(sed -n 's/^\\(\(mark)[a-z]*\\):.*/\\1/p' /etc/group); do groupdel $g; done 2>/dev/null
            """)
    }

    private static func removeLeftovers() {
        _ = system(
            """
            for n in $(sed -n 's/^jst\\([0-9]*\\)[a-z]*:.*/\\1/p' /etc/passwd /etc/group | sort -u); do
                [ -e /proc/$n ] && continue
                for u in $(sed -n "s/^\\(jst$n[a-z]*\\):.*/\\1/p" /etc/passwd); do userdel $u; done
                for g in $(sed -n "s/^\\(jst$n[a-z]*\\):.*/\\1/p" /etc/group); do groupdel $g; done
            done 2>/dev/null
            """)
    }
}

extension Yard {
    /// Makes the spool one for several users.
    /// - Parameters:
    ///   - mode: sticky, and writable by all or by the group
    ///   - owner: nil: root
    func share(mode: String, owner: Person?) throws {
        try People.invite()
        let made = shell(
            """
            chown \(owner?.name ?? "root"):\(People.droppers) . && chmod \(mode) . && mkdir ../bin &&
            for p in jobspool jobspool-documents; do
                ln \(Self.executables)/$p ../bin/ 2>/dev/null || cp \(Self.executables)/$p ../bin/
            done
            """)
        try #require(made.status == 0, "\(made.output)")
    }

    /// The daemon runs as a user of its own.
    func start(as person: Person, umask: String = "022", _ options: [String] = []) async throws {
        let program =
            ["/bin/sh", "-c", #"umask \#(umask); exec "$@""#, "sh"] + person.prefix + ["\(root)/bin/jobspool"]
        try await start(by: program, options)
    }

    /// Runs a shell script in the spool as a user; `jobspool` is the command.
    @discardableResult
    func shell(as person: Person, _ script: String) -> (status: Int32, output: String) {
        let inner = "PATH=\(root)/bin:$PATH; export JOBSPOOL_DIR=\(path); \(script)".replacing("'", with: "'\\''")
        return shell("exec \(person.prefix.joined(separator: " ")) /bin/bash -c '\(inner)'")
    }

    /// Drops a request as a user. By rename(2) itself: mv(1) asks first what the target is, and where a neighbour keeps renaming that,
    /// it now and then takes it for a directory and gives up (coreutils 9.1).
    func drop(_ name: String, _ request: JSON, as person: Person) throws {
        let text = request.text.replacing("'", with: "'\\''")
        let rename = "perl -e 'rename $ARGV[0], $ARGV[1] or die $!'"
        let dropped = shell(as: person, "echo '\(text)' > .\(name).part && \(rename) .\(name).part \(name).json")
        try #require(dropped.status == 0, "\(dropped.output)")
    }

    /// What the feed tells beside the changes of jobs.
    func notices() throws -> [String] {
        try lines("spool.events.jsonl").filter { $0["event"] == "noticed" }.compactMap { $0["message"]?.string }
    }
}
