import JSONText
import Testing

extension SystemsTests {
    /// The adapters in `samples/handlers/`: rclone and vdirsyncer from Debian, a Singer tap from PyPI; each as a job, and by hand
    /// where its exit status is what matters.
    @Suite struct Adapters {
        /// Runs a handler as the daemon would. - Returns: a script that prints the exit status.
        private let byHand = """
            by_hand() { echo "{\\"params\\": $2, \\"dry_run\\": false}" | JOBSPOOL_WORK_DIR=$PWD ends "samples/handlers/$1.sh"; }

            """

        @Test func rcloneCopiesADirectoryAndADryRunDoesNot() throws {
            let lines = try System().run(
                """
                need rclone
                serve
                copy() { jobspool submit --type rclone -p source=/usr/share/iso-codes/json -p target="$PWD/target" --wait "$@"; }
                copy --name dry --dry-run >/dev/null
                jq -c '[.outcome, .result.transfers]' spool/dry.result.json
                [ ! -e target ]
                copy --name real >/dev/null
                jq -c '[.outcome, .result.transfers, .result.errors]' spool/real.result.json
                until_completed real
                jq -c '.progress | [.phase, .processed, .total, .percent, .bytes == .total_bytes]' spool/real.status.json
                jq -r .message spool/real.log.jsonl | grep -c '^iso_.*: Copied'
                diff -r /usr/share/iso-codes/json target
                """)
            #expect(
                lines == [
                    #"["success",16]"#, #"["success",16,0]"#, #"["copy",16,16,100,true]"#, "8",
                ])
        }

        @Test func rcloneSaysWhatIsWrongAndWhatMayPass() throws {
            let lines = try System().run(
                byHand + #"""
                    need rclone
                    export RCLONE_RETRIES=1 RCLONE_LOW_LEVEL_RETRIES=1
                    by_hand rclone '{"source": "/usr/share/iso-codes/json"}'
                    by_hand rclone '{"source": "/no/such/directory", "target": "/tmp/never"}'
                    by_hand rclone '{"source": ":webdav,url=\"http://127.0.0.1:1/\":", "target": "/tmp/never"}'
                    by_hand rsync '{"source": "/usr/share/iso-codes/json"}'
                    by_hand rsync '{"source": "/no/such/directory", "target": "/tmp/never"}'
                    """#)
            #expect(lines == ["64", "64", "75", "64", "75"])
        }

        @Test func vdirsyncerSyncsACalendarBothWays() throws {
            let lines = try System().run(
                byHand + """
                    need vdirsyncer
                    awk '/BEGIN:VEVENT/ {n++} n <= 10 || /END:VCALENDAR/' "$data/holidays-0.108/IT.ics" >srv/IT.ics
                    mkdir calendar
                    cat >state/vdirsyncer.conf <<END
                    [general]
                    status_path = "$PWD/state/vdirsyncer"
                    [pair team]
                    a = "export"
                    b = "calendar"
                    collections = null
                    [storage export]
                    type = "singlefile"
                    path = "$PWD/srv/IT.ics"
                    [storage calendar]
                    type = "filesystem"
                    path = "$PWD/calendar"
                    fileext = ".ics"
                    END
                    serve
                    jobspool submit samples/requests/vdirsyncer.json --wait >/dev/null
                    jq -c '[.outcome, .message]' spool/vdirsyncer.result.json
                    until_completed vdirsyncer
                    jq -c '.progress | [.phase, .processed, (.current | test("^Copying .*@holidays.example to calendar"))]' \\
                        spool/vdirsyncer.status.json
                    ls calendar | wc -l
                    # What is new on the other side comes back.
                    sed '/^UID:/s/.*/UID:new@holidays.example\\r/' "calendar/$(ls calendar | head -n 1)" >calendar/new.ics
                    jobspool retry vdirsyncer --wait >/dev/null
                    grep -c UID:new@ srv/IT.ics

                    by_hand vdirsyncer "{\\"config\\": \\"$PWD/state/vdirsyncer.conf\\", \\"pair\\": \\"nobody\\"}"
                    by_hand vdirsyncer '{"config": "/no/such/file", "pair": "team"}'
                    by_hand vdirsyncer '{"pair": "team"}'
                    sed -i '/singlefile/,/path/c type = "http"\\nurl = "http://127.0.0.1:1/calendar.ics"' state/vdirsyncer.conf
                    by_hand vdirsyncer "{\\"config\\": \\"$PWD/state/vdirsyncer.conf\\", \\"pair\\": \\"team\\"}"
                    """)
            #expect(
                lines == [#"["success","Syncing team"]"#, #"["sync",10,true]"#, "10", "1", "64", "64", "64", "75"])
        }

        @Test func aSingerTapFillsATable() throws {
            let lines = try System().run(
                byHand + """
                    tap=$data/tap-rest-api-0.2.22
                    [ -d "$tap" ] || { echo "$tap is missing: run Tests/data.sh" >&2; exit 69; }
                    mkdir bin
                    printf '#!/bin/sh\\nPYTHONPATH=%s exec python3 %s "$@"\\n' "$tap" "$tap/bin/tap-rest-api" >bin/tap-rest-api
                    chmod +x bin/tap-rest-api
                    cp /usr/share/iso-codes/json/iso_3166-1.json shop/
                    python3 - shop <<'END' & others=$!
                    import functools, http.server, os, sys
                    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="shop")
                    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
                    open(".port", "w").write(str(server.server_port))
                    os.rename(".port", "port")
                    server.serve_forever()
                    END
                    until [ -e port ]; do sleep 0.01; done
                    url=http://127.0.0.1:$(cat port)/iso_3166-1.json
                    jq --arg url "$url" --arg bin "$PWD/bin" --arg path "$executables:$PATH" '.params.tap[0] = $bin + "/tap-rest-api"
                        | .params.config.url = $url | .environment.PATH = $path' samples/types/singer.json >type
                    mv type samples/types/singer.json
                    # The catalogue, which the tap itself makes of what it finds.
                    mkdir state/tap
                    jq .params.config samples/types/singer.json >config
                    bin/tap-rest-api --config config --infer_schema --schema_dir state/tap/schema --catalog_dir state/tap 2>/dev/null

                    serve
                    jobspool submit samples/requests/singer.json --wait >/dev/null
                    jq -c '[.outcome, .counts.created]' spool/singer.result.json
                    for name in first second; do
                        jobspool submit --type singer --name $name --wait >/dev/null
                        jq -c '[.outcome, .counts.created, .counts.skipped]' spool/$name.result.json
                    done
                    sqlite3 state/singer.db 'SELECT count(*), count(DISTINCT alpha_3) FROM countries'
                    jq -r '.["3166-1"][] | .alpha_3 + "|" + .name' shop/iso_3166-1.json | LC_ALL=C sort >judge
                    sqlite3 state/singer.db 'SELECT alpha_3, name FROM countries' | LC_ALL=C sort | cmp - judge

                    export PATH=$executables:$PATH
                    params() { jq -c "[.params | $1][0]" samples/types/singer.json; }
                    by_hand singer '{}'
                    by_hand singer "$(params .)"
                    by_hand singer "$(params 'del(.secrets) | .tap = ["/bin/false"]')"
                    """)
            #expect(
                lines == [
                    #"["success",249]"#, #"["success",249,0]"#, #"["success",0,249]"#, "249|249", "64", "64", "75",
                ])
        }
    }
}
