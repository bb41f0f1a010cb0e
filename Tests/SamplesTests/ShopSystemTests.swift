import JSONText
import Testing

extension SystemsTests {
    /// Customer and product sync, eleven named types.
    @Suite struct Shop {
        /// Airports as customers and products of a shop: the first of the list, with keys for all but the first `keyless`.
        private let records = """
            records() {
                python3 - "$data/airportsdata-20241001/airports.csv" "$@" <<'END'
            import csv, itertools, json, sys
            count, keyless, skipped = map(int, sys.argv[2:5])
            rows = list(itertools.islice(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")), skipped, skipped + count))
            numbers = [None] * keyless + list(range(skipped + keyless + 1, skipped + count + 1))
            def write(name, records): json.dump(records, open(f"shop/{name}.json", "w"))
            if sys.argv[5] == "nhanh":
                write("customers", [{"id": n, "name": r["name"], "email": r["icao"] + "@Airports.example", "mobile": None}
                                    for n, r in zip(numbers, rows)])
                write("products", [{"id": n, "code": r["icao"], "name": r["name"], "price": n} for n, r in zip(numbers, rows)])
            else:
                write("customers", [{"id": 9000 + n, "email": r["icao"].lower() + "@airports.example", "phone": None}
                                    for n, r in zip(numbers, rows)])
                write("products", [{"id": 5000 + n, "title": r["name"], "variants": [{"id": 7000 + n, "sku": r["icao"].lower() + "-"}]}
                                   for n, r in zip(numbers, rows)])
            END
            }
            job() { local file=$1; shift; jobspool submit "samples/requests/$file.json" --wait "$@" >/dev/null || echo "$file: $?"; }

            """

        @Test func nineHundredFiftyOfAThousandAreDoneAndTheOthersCanBeRetried() throws {
            let system = try System()
            let lines = try system.run(
                records + """
                    records 1000 50 0 nhanh
                    shop
                    serve
                    job pull-nhanh-customers
                    jq -c '[.status, .outcome, .errors_total, (.errors | length)]' spool/pull-nhanh-customers.result.json
                    jq -r .message spool/pull-nhanh-customers.log.jsonl | sed -n '1,2p'
                    until_completed pull-nhanh-customers
                    jq -c '[.progress.processed, .progress.total, .progress.percent]' spool/pull-nhanh-customers.status.json
                    wc -l <spool/pull-nhanh-customers.errors.jsonl
                    jobspool logs --errors pull-nhanh-customers | head -1 | cut -d' ' -f 2-
                    sqlite3 state/shop.db 'SELECT count(*) FROM nhanh_customers'

                    records 1000 0 0 nhanh
                    job retry-failed-customers
                    jq -r .message spool/retry-failed-customers.log.jsonl | sed "1s|$PWD/||;1!d"
                    jq -c .counts spool/retry-failed-customers.result.json
                    sqlite3 state/shop.db 'SELECT count(*) FROM nhanh_customers'
                    # Of a job of which nothing failed there is nothing to retry.
                    jobspool submit --type PULL_NHANH_CUSTOMERS -p retry_of=retry-failed-customers --name third --wait >/dev/null
                    jq -r .message spool/third.log.jsonl

                    jobspool list --limit 1 --type PULL_NHANH_CUSTOMERS --status completed --json | jq -r '.[].name'
                    jobspool list --type PULL_NHANH_CUSTOMERS --status failed --json
                    ! grep -rlE 'nhanh-secret' spool state
                    cat spool/pull-nhanh-customers.result.json
                    """)
            let place = lines.count > 6 ? lines[6] : ""
            #expect(place.contains("NO_KEY"))
            #expect(
                lines.prefix(14).filter { $0 != place } == [
                    "pull-nhanh-customers: 2", #"["completed","partial",50,50]"#, "Found 1000 records to process",
                    "Adding batch 2/20", "[1000,1000,100]", "50", "950",
                    "Retrying 50 items of spool/pull-nhanh-customers.errors.jsonl",
                    #"{"created":50,"updated":0,"skipped":0,"deleted":0,"failed":0}"#, "1000",
                    "Nothing to retry: no item of retry-failed-customers failed", "third", "[]",
                ])
            expectWholeCounts(try JSON(parsing: lines.dropFirst(14).joined(separator: "\n")))
        }

        @Test func anIncrementalPullStopsEarly() throws {
            let lines = try System().run(
                records + """
                    sed -i 's/"limit": 100,/"limit": 1000,/' samples/types/PULL_NHANH_CUSTOMERS.json
                    records 6000 0 0 nhanh
                    shop
                    serve
                    jobspool submit --type PULL_NHANH_CUSTOMERS --name first --wait >/dev/null
                    jq -r .message spool/first.log.jsonl | sed -n '1,2p'
                    # The latest come first: a new one, and one that has changed.
                    jq '[{"id": 9999, "name": "new"}] + .[:-100] | .[3].name = "changed"' shop/customers.json >customers
                    mv customers shop/customers.json
                    job incremental-pull-customers
                    jq -c '[.counts, .result.stopped_early, .labels]' spool/incremental-pull-customers.result.json
                    jq -r .message spool/incremental-pull-customers.log.jsonl | grep early
                    """)
            #expect(
                lines == [
                    "Found 6000 records to process", "Adding batch 1/6",
                    #"[{"created":1,"updated":1,"skipped":5002,"deleted":0,"failed":0},true,{"asked_by":"cron"}]"#,
                    "Stopped early: 5000 records in a row were unchanged",
                ])
        }

        @Test func whatMatchesIsSentAndOnlyWhatChangedIsSentAgain() throws {
            let lines = try System().run(
                records + """
                    records 60 0 0 nhanh
                    shop
                    serve
                    for name in pull-nhanh-customers pull-nhanh-products; do job $name; done
                    records 60 0 20 shopify
                    for name in pull-shopify-customers pull-shopify-products auto-match-customers auto-match-products; do
                        job $name; jq -c '[.name, .counts.created, .counts.skipped]' spool/$name.result.json
                    done
                    job customer-sync
                    jq -r .message spool/customer-sync.log.jsonl | sed -n 2p
                    [ ! -e shop/put.jsonl ]
                    echo 9021 9022 >shop/refused
                    job auto-sync-customers
                    jq -c '[.counts.created, .counts.failed, .errors[].item]' spool/auto-sync-customers.result.json
                    rm shop/refused
                    jobspool retry auto-sync-customers --wait >/dev/null
                    jq -c .counts spool/auto-sync-customers.result.json
                    for name in product-sync auto-sync-products; do job $name; jq -c .counts spool/$name.result.json; done
                    jq -c 'select(.path | test("9060|7021")) | [.path, (.body | keys)]' shop/put.jsonl
                    jq -c 'select(.path | test("9060")).body.customer | [.id, (.first_name | type), .email == (.email | ascii_upcase)]' shop/put.jsonl
                    wc -l <shop/put.jsonl
                    ! grep -rlE '(nhanh|shopify)-secret' spool state
                    jq -e '.counts as $c | $c.created + $c.updated + $c.skipped + $c.failed
                        == (.result | .records // .left)' spool/*.result.json >/dev/null
                    """)
            #expect(
                lines == [
                    #"["pull-shopify-customers",60,0]"#, #"["pull-shopify-products",60,0]"#,
                    #"["auto-match-customers",40,20]"#, #"["auto-match-products",40,20]"#,
                    "DRY RUN: would add 20: 9021, 9022, 9023, 9024, 9025, …",
                    "auto-sync-customers: 2", #"[38,2,"9021","9022"]"#,
                    #"{"created":2,"updated":0,"skipped":38,"deleted":0,"failed":0}"#,
                    #"{"created":40,"updated":0,"skipped":0,"deleted":0,"failed":0}"#,
                    #"{"created":0,"updated":0,"skipped":40,"deleted":0,"failed":0}"#,
                    #"["/admin/api/2025-10/customers/9060.json",["customer"]]"#,
                    #"["/admin/api/2025-10/variants/7021.json",["variant"]]"#, #"[9060,"string",false]"#,
                    "80",
                ])
        }
    }
}
