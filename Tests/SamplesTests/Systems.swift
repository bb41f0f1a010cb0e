/// The five systems that the samples replace, in a directory of the test's own: their types with real data and a small shop behind
/// them, served by the real daemon.
import Glibc
import JSONText
import Testing

@Suite enum SystemsTests {}

struct System {
    let place: Place

    init() throws {
        place = try Place()
        try place.succeed(Self.functions + "edit")
    }

    /// Runs a script that has to end with 0, with the shell functions below. - Returns: what it prints.
    @discardableResult
    func run(_ script: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
        try place.succeed(Self.functions + script, sourceLocation: sourceLocation)
    }

    private static let functions = """
        need jq; need python3; need sqlite3
        data=${JOBSPOOL_TEST_DATA:-${TMPDIR:-/tmp}/jobspool-test-data}
        [ -d "$data/Django-4.2" ] || { echo "$data lacks data: run Tests/data.sh" >&2; exit 69; }

        # The samples' places become some of this directory, and their secrets those of the shop.
        edit() {
            mkdir srv state shop
            sed -i "s|\\"/srv/|\\"$PWD/srv/|g; s|/var/lib/jobspool/|$PWD/state/|g; s|/etc/jobspool/|$PWD/state/|g
                s|\\"NHANH_TOKEN\\": \\"[^\\"]*|\\"NHANH_TOKEN\\": \\"nhanh-secret|; s|\\"SHOP_KEY\\": \\"[^\\"]*|\\"SHOP_KEY\\": \\"shop-secret|
                s|\\"SHOPIFY_TOKEN\\": \\"[^\\"]*|\\"SHOPIFY_TOKEN\\": \\"shopify-secret|" samples/types/*.json samples/requests/*.json
        }

        # Serves what is in shop/ to types that read https://….example
        shop() {
            rm -f shop/port
            python3 '\(package)/Tests/shop.py' shop & others="$others $!"
            until [ -e shop/port ]; do sleep 0.01; done
            sed -i "s|https://[a-z.]*\\.example/|http://127.0.0.1:$(cat shop/port)/|" samples/types/*.json
        }

        # Waits until a filter of jq finds something true in a file of the spool.
        until_true() { until [ -e "spool/$1" ] && jq -e "$2" "spool/$1" >/dev/null; do sleep 0.01; done; }

        # The status says that a job is over a moment after its result does.
        until_completed() { until_true "$1.status.json" '.status == "completed"'; }

        # Prints how a command ends.
        ends() { local status=0; "$@" >/dev/null 2>&1 || status=$?; echo $status; }

        # Processes of jobs of a type: handlers, and what they have started.
        processes() { for p in /proc/[0-9]*; do readlink "$p/cwd" || :; done 2>/dev/null | grep -cFx "$PWD/spool/.jobspool/work/$1" || :; }

        """
}

/// Whether records are created, updated, skipped or failed, and no two of them.
func expectWholeCounts(_ result: JSON?, sourceLocation: SourceLocation = #_sourceLocation) {
    let counts = ["created", "updated", "skipped", "failed"].map { result?["counts"]?[$0]?.int ?? -1 }
    #expect(result?["result"]?["records"]?.int == counts.reduce(0, +), sourceLocation: sourceLocation)
}
