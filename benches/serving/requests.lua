-- Asks what the file REQUESTS lists, a request a line (method, path, body), in a random order that every run has alike,
-- and prints one line of figures at the end: requests, microseconds, median, p99 and most latency in microseconds, answers
-- that were none, bytes.
local requests = {}
for line in io.lines(os.getenv("REQUESTS")) do
  local method, path, body = line:match("^(%S+) (%S+) ?(.*)$")
  local headers = { ["Accept-Encoding"] = "identity" }
  if body ~= "" then headers["Content-Type"] = "application/json" end
  requests[#requests + 1] = { method, path, headers, body ~= "" and body or nil }
end

local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  math.randomseed(310000 + number)
end

function request()
  local one = requests[math.random(#requests)]
  return wrk.format(one[1], one[2], one[3], one[4])
end

function done(summary, latency)
  local e = summary.errors
  print(string.format("FIGURES %d %d %d %d %d %d %d", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), latency.max, e.connect + e.read + e.write + e.status + e.timeout, summary.bytes))
end
