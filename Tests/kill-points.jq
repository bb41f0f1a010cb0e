# What is wrong with what a life has left, a line each; see kill-points.sh. Given are $runs (of every run its result, status, log and
# errors), $events (the feed), $starts (the job_id of every start of a handler, a line each) and $role (whose death it was).

def complain(isWell; $text): if isWell then empty else $text end;
def ending: [.job_id, .status, .outcome, .attempt, .finished_at];
def said: .log | last.attempt as $attempt | [.[] | select(.source == "handler" and .attempt == $attempt) | .message];
# Two attempts of the job that is tried again; whose supervisor was killed may have had more.
def isNumberOfStarts($name): (if $name == "r" then 2 else 1 end) as $due | . == $due or ($role == "supervisor" and . > $due);

($starts | split("\n")[:-1]) as $started
| ([$runs[].result.name | select(startswith("often-"))] | length) as $slots
| complain([$events[].sequence] == [range(1; ($events | length) + 1)]; "the feed has gaps"),
  complain(([$runs[].result.name | select(startswith("often-") | not)] | sort) == ["a", "a", "b", "c", "d", "e", "f", "p", "r"];
    "these have run: \([$runs[].result.name])"),
  complain($slots > 0 and ([$runs[].result.scheduled_at // empty] | length == $slots and (unique | length) == $slots);
    "the slots of the schedule: \([$runs[].result.scheduled_at // empty])"),
  ($runs[] | .result as $result | "\($result.name) (\($result.job_id))" as $job
    | ([$started[] | select(. == $result.job_id)] | length) as $times
    | [$events[] | select(.job_id == $result.job_id)] as $told
    | complain($times | isNumberOfStarts($result.name); "\($job) ran \($times) times"),
      complain([$result.attempts[].attempt] == [range(1; ($result.attempts | length) + 1)]; "\($job) has attempts \($result.attempts)"),
      complain($result.status == (if $result.name == "b" then "cancelled" else "completed" end); "\($job) is \($result.status)"),
      complain($result.name == "b" or ($result.outcome == "partial" and $result.result == 42);
        "the result of \($job) is \($result.outcome), \($result.result)"),
      # A line for each report, though the daemon died: of a handler that died the report may be missing.
      complain($result.errors_total == (.errors | length)
          and ($result.errors_total == $times or ($role == "supervisor" and $result.errors_total > 0 and $result.errors_total < $times));
        "\($job) ran \($times) times, its result has \($result.errors_total) errors, its file \(.errors | length)"),
      complain(said == (if $result.name == "b" then ["one"] else ["one", "two"] end); "the log of \($job) says \(said)"),
      complain((.status | ending) == ($result | ending); "the status of \($job) is another one: \(.status | del(.recent_logs))"),
      complain(($told | last.status) == $result.status; "the feed does not tell the end of \($job)"),
      complain(([$told[] | select(.event == "accepted")] | length) <= 1; "\($job) is accepted twice in the feed"),
      complain(([$told[] | select(.event == "completed" or .event == "cancelled")] | length) <= 1; "\($job) ends twice in the feed"))
