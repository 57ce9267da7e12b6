-- Sends each prepared request once, in order; prints the figures as one line of JSON.
local requests, at = {}, 0
function init(args)
  local file = assert(io.open(os.getenv("BENCH_REQUESTS"), "r"))
  for line in file:lines() do
    local path, body = line:match("^(%S+)\t(.*)$")
    requests[#requests + 1] = wrk.format("POST", path, {["Content-Type"] = "text/xml"}, body)
  end
  file:close()
end
function request()
  at = at + 1
  return requests[(at - 1) % #requests + 1]
end
function done(summary, latency, _)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  print(string.format('JSON {"requests": %d, "seconds": %.3f, "bad": %d, "p50_ms": %.2f, "p99_ms": %.2f, "max_ms": %.2f}',
    summary.requests, summary.duration / 1e6, bad, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
