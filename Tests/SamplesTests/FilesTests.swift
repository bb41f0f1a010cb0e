import Testing

/// What the samples are before anybody runs them.
@Suite struct FilesTests {
    @Test func everySampleRequestIsRight() throws {
        #expect(try Place().succeed("jobspool check samples/requests/*.json").count == 28)
    }

    @Test func everySampleScheduleIsRightAndRuns() throws {
        let lines = try Place().succeed(
            """
            need jq
            jobspool check samples/schedules/*.json
            serve
            for file in samples/schedules/*.json; do
                name=$(basename "$file" .schedule.json)
                cp "$file" spool/
                until [ -e "spool/$name.schedule.status.json" ]; do sleep 0.01; done
                jq -er '[.state, .next_run_at != null] | @csv' "spool/$name.schedule.status.json"
            done
            """)
        #expect(lines.filter { $0 == "\"active\",true" }.count == 5)
        #expect(lines.filter { $0 == "\"off\",false" }.count == 1)
        #expect(lines.count == 12)
    }

    @Test func everySampleTypeIsValidAndItsHandlerIsThere() throws {
        try Place().succeed(
            """
            need jq
            jobspool types --types samples/types --json >types
            for file in samples/types/*.json; do
                name=$(basename "$file" .json)
                handler=$(jq -er --arg name "$name" '.[] | select(.type == $name) | .command[0]' types)
                PATH=$executables:$PATH command -v "$handler" || { echo "$name: $handler cannot be run" >&2; exit 1; }
            done
            for file in samples/requests/*.json; do
                jq -er --slurpfile types types '.type as $t | any($types[0][]; .type == $t)' "$file" >/dev/null ||
                    { echo "$file has a type that is not there" >&2; exit 1; }
            done
            """)
    }

    @Test func typesThatOthersCouldHaveWrittenAreRefusedWithTheRemedy() throws {
        let ended = try Place().run("chmod g+w samples/types/*; jobspool types --types samples/types")
        #expect(ended.status == 65)
        #expect(ended.errors.contains("chmod go-w"))
    }

    @Test func eachOfTheTypesHasARequest() throws {
        let lines = try Place().succeed(
            """
            need jq
            jq -r .type samples/requests/*.json | sort -u >used
            ls samples/types | sed 's/[.]json$//' | LC_ALL=C sort >there
            LC_ALL=C sort used | comm -13 - there
            """)
        #expect(lines == [])
    }

    /// As after the quick start.
    @Test func typesWhoseHandlersAreNotBuiltAreNoProblem() throws {
        let lines = try Place().succeed(
            """
            mkdir bin
            ln "$executables/jobspool" "$executables/jobspool-documents" bin/ || cp "$executables"/jobspool{,-documents} bin/
            bin/jobspool doctor spool --types samples/types --no-canary --json >found || :
            jq -r '.findings[] | select(.check == "handlers") | .severity + ": " + (.message | sub(":.*"; ""))' found
            """)
        #expect(
            lines == [
                "unchecked: jobspool-library is not installed, and 6 types need it",
                "unchecked: jobspool-records is not installed, and 15 types need it",
                "ok: the handlers of 9 types are there, executable, and protected",
            ])
    }

    @Test func everyScriptIsExecutableAndParses() throws {
        try Place().succeed(
            """
            for file in samples/*.sh samples/handlers/*.sh samples/clients/*.sh '\(package)'/Tests/*.sh '\(package)/.ci/run'; do
                shell=$(sed -n '1s/^#!.*[/ ]//p' "$file")
                "$shell" -n "$file" || exit 1
                [ -x "$file" ] || { echo "$file is not executable: chmod +x" >&2; exit 1; }
            done
            """)
    }

    @Test func theHandlersAndClientsAreAsShortAsTheyAreSaidToBe() throws {
        let lines = try Place().succeed(
            "wc -l samples/handlers/* samples/clients/* | awk '$2 != \"total\" && $1 > 15 {print $2}'")
        #expect(lines == [])
    }

    @Test func theServiceUnitIsOneThatSystemdAccepts() throws {
        try Place().succeed(
            """
            sed "s|/usr/local/bin/jobspool|$executables/jobspool|" samples/jobspool.service >jobspool.service
            grep -qx 'KillMode=process' jobspool.service
            grep -q "^ExecStart=$executables/jobspool serve .* --on-stop leave$" jobspool.service
            # Where there is no systemd, the words above have to do.
            command -v systemd-analyze >/dev/null || exit 0
            systemd-analyze verify ./jobspool.service 2>&1 | tee verified >&2
            ! grep -F jobspool.service verified
            """)
    }
}

/// `samples/install.sh`, which the quick start and the tests call, with an apt-get that only writes down what it is told.
@Suite struct InstallTests {
    private let apt = """
        mkdir bin
        printf '#!/bin/sh\\necho "$*" >>"%s/apt.log"\\n' "$PWD" >bin/apt-get
        printf '#!/bin/sh\\nexec "$@"\\n' >bin/sudo
        chmod +x bin/*
        PATH=$PWD/bin:$PATH
        touch apt.log

        """

    @Test func whereNothingIsMissingNothingIsInstalled() throws {
        #expect(try Place().succeed(apt + "sh samples/install.sh sh /bin/sh:nothing env:coreutils; cat apt.log") == [])
    }

    @Test func whatIsMissingIsInstalledAndNothingElse() throws {
        let lines = try Place().succeed(
            apt + "sh samples/install.sh sh no-such-command-1 no-such-command-2:two /no/such/file:three; cat apt.log")
        #expect(lines == ["install -qq -y --no-install-recommends no-such-command-1 two three"])
    }

    @Test func aUserWithoutSudoIsToldWhatToInstall() throws {
        let ended = try Place().run(
            """
            mkdir bin; for tool in sh env; do ln -s "$(command -v $tool)" bin/; done
            printf '#!/bin/sh\\necho 1000\\n' >bin/id; chmod +x bin/id
            PATH=$PWD/bin sh samples/install.sh no-such-command
            """)
        #expect(ended.status == 69)
        #expect(ended.errors.contains("Please install: no-such-command"))
    }
}
