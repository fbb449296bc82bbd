-- Gives every request the credential of one of the sessions, at random: `wrk -s credentials.lua URL -- KIND COUNT`.
-- Prints one line of JSON when it is done; times are in microseconds.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("seed", threads)
end

function init(arguments)
  math.randomseed(os.time() + seed)
  kind, count = arguments[1], tonumber(arguments[2])
end

function request()
  local number = math.random(0, count - 1)
  local headers = {}
  if kind == "django" then
    headers["Cookie"] = string.format("sessionid=%032d", number)
  else
    headers["X-Session-Token"] = string.format("ory_st_%d", number)
  end
  return wrk.format("GET", nil, headers)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status
  ))
end
