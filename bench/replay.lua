-- Sends the requests of a file, each one once: eight digits of length, then the bytes.
-- wrk counts answers over 399 itself; when the file is at its end, it stops.

local requests, at = {}, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local length = file:read(8)
  while length do
    requests[#requests + 1] = file:read(tonumber(length))
    length = file:read(8)
  end
  file:close()
end

function request()
  at = at + 1
  if at >= #requests then
    wrk.thread:stop()
  end
  return requests[math.min(at, #requests)]
end

function done(summary, latency)
  local wrong = summary.errors
  io.write(string.format(
    '{"answered": %d, "seconds": %f, "failed": %d, "broken": %d, "p50_ms": %f, "p99_ms": %f}\n',
    summary.requests, summary.duration / 1e6, wrong.status,
    wrong.connect + wrong.read + wrong.write + wrong.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
