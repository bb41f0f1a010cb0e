<?php
// Drops a request, waits for its result and prints the outcome. Usage: php submit.php SPOOL TYPE [PARAMS]
[, $spool, $type] = $argv;
$name = bin2hex(random_bytes(16)); // Used by nobody before: a result of this name is this job's.
$result = "$spool/$name.result.json";
$params = json_decode($argv[3] ?? "{}", flags: JSON_THROW_ON_ERROR);
$request = json_encode(["type" => $type, "params" => $params], JSON_THROW_ON_ERROR);
// The daemon sees the whole request, or none.
if (!file_put_contents("$spool/.$name.tmp", $request) || !rename("$spool/.$name.tmp", "$spool/$name.json")) exit(1);
while (!file_exists($result)) usleep(200000);
$end = json_decode(file_get_contents($result), true);
$why = $end["outcome"] ?? $end["error"]["code"] ?? ""; // Neither, of a job that was cancelled.
printf("%s: %s\n", trim("$end[status] $why"), $end["message"]);
exit($end["outcome"] === "success" ? 0 : 1);
