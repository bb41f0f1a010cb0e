/// Who may use a type: the daemon's user and root every one, others those that allow them.
import JSONText
package import SpoolProtocol
import SpoolStorage

extension Definition {
    /// - Throws: `JobError` `NOT_ALLOWED` that names the user and the rule.
    package func checkAllowed(to owner: UInt32, daemonUser: UInt32) throws(JobError) {
        if owner == daemonUser || owner == 0 { return }
        let user = Users.name(of: owner)
        if let allow,
            allow.users.contains("*") || allow.users.contains(user) || Users.isMember(owner, ofAny: allow.groups)
        {
            return
        }
        throw JobError(
            .notAllowed,
            "the request belongs to \(user), who may not use \(type): `allow` in its definition names neither the user nor a group of theirs",
            details: ["user": .string(user), "rule": "allow"])
    }
}
