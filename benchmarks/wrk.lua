-- Gives each request one of the cookies in a file: `wrk -s wrk.lua URL -- FILE`. Prints a line of JSON; times are in ms.

function init(arguments)
  cookies = {}
  for line in io.lines(arguments[1]) do cookies[#cookies + 1] = line end
  math.randomseed(os.time())
end

function request()
  return wrk.format("GET", nil, {["Cookie"] = cookies[math.random(#cookies)]})
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"rate": %f, "p50": %f, "p99": %f, "errors": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status
  ))
end
