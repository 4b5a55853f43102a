"""What Redis runs for a RedisStore: Lua 5.1, one script for each step that must not be interrupted.

HIT is the arithmetic of storage/window.py, line by line; a test holds both against each other. All numbers are whole and
below 2**53, where Lua's doubles are exact; they are written with "%.0f", since Lua's own way loses digits.
"""

COMPARE_AND_SET = """
local current = redis.call('GET', KEYS[1])
if ARGV[1] == '1' then
  if current ~= ARGV[2] then return 0 end
elseif current then
  return 0
end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
elseif ARGV[5] == '0' then
  redis.call('SET', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
end
return 1
"""

HIT = """
local floor, max = math.floor, math.max

local function remnant(count, first, last, horizon)
  if horizon >= last then return 0 end
  if horizon < first then return count end
  return 1 + floor((count - 1) * (last - horizon) / (last - first))
end

local function shrunk_at(count, first, last, room)
  if room == 0 or count <= 1 then return last end
  return last - max(0, floor((room * (last - first) - 1) / (count - 1)))
end

local window, bucket = {}, {}

function window.at(s, now, c)
  local period = c.period
  if #s ~= 6 then s = {0, 0, 0, 0, 0, 0} end
  if s[3] > now then
    if s[3] - now > period then return {0, 0, 0, 0, 0, 0} end
    now = s[3]
  end
  if s[1] == 0 or now - s[2] < period then return s end
  if now - s[3] >= period then return {0, 0, 0, 0, 0, 0} end
  return {0, 0, s[3], s[1], s[2], s[3]}
end

function window.used(s, now, c)
  return s[1] + remnant(s[4], s[5], s[6], now - c.period)
end

function window.wait(s, now, c)
  local room = c.limit - c.cost - s[1]
  if room >= 0 then
    if remnant(s[4], s[5], s[6], now - c.period) <= room then return 0 end
    return shrunk_at(s[4], s[5], s[6], room) + c.period - now
  end
  return max(1, shrunk_at(s[1], s[2], s[3], max(0, c.limit - c.cost)) + c.period - now)
end

function window.left(s, now, c)
  return max(0, c.limit - window.used(s, now, c))
end

function window.reset(s, now, c)
  local left = remnant(s[4], s[5], s[6], now - c.period)
  if left > 0 then return shrunk_at(s[4], s[5], s[6], left - 1) + c.period - now end
  if s[1] > 0 then return max(1, s[2] + c.period - now) end
  return 0
end

function window.taken(s, now, c)
  now = max(now, s[3])
  if s[1] == 0 then return {c.cost, now, now, s[4], s[5], s[6]} end
  return {s[1] + c.cost, s[2], now, s[4], s[5], s[6]}
end

function window.ends(s, now, c)
  return s[3] + c.period
end

function bucket.at(s, now, c)
  if #s ~= 2 then s = {0, 0} end
  if s[2] > now then
    if s[2] - now > c.period then return {0, 0} end
    return s
  end
  return {max(0, s[1] - (now - s[2]) * c.limit), now}
end

function bucket.wait(s, now, c)
  return max(0, -floor((c.burst * c.period - s[1] - c.cost * c.period) / c.limit))
end

function bucket.left(s, now, c)
  return floor(max(0, c.burst * c.period - s[1]) / c.period)
end

function bucket.reset(s, now, c)
  return -floor(-s[1] / c.limit)
end

function bucket.taken(s, now, c)
  return {s[1] + c.cost * c.period, s[2]}
end

function bucket.ends(s, now, c)
  return s[2] + bucket.reset(s, now, c)
end

local now = tonumber(ARGV[1])
if now < 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local counters, allowed = {}, true
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 5
  local c = {
    rule = ARGV[at] == 'window' and window or bucket,
    limit = tonumber(ARGV[at + 1]), period = tonumber(ARGV[at + 2]),
    cost = tonumber(ARGV[at + 3]), burst = tonumber(ARGV[at + 4]),
  }
  local s = {}
  for number in string.gmatch(redis.call('GET', key) or '', '%S+') do s[#s + 1] = tonumber(number) end
  c.state = c.rule.at(s, now, c)
  c.wait = c.rule.wait(c.state, now, c)
  if c.wait > 0 then allowed = false end
  counters[i] = c
end

local verdicts = {}
for i, c in ipairs(counters) do
  if allowed and c.cost > 0 then
    c.state = c.rule.taken(c.state, now, c)
    local texts = {}
    for j, number in ipairs(c.state) do texts[j] = string.format('%.0f', number) end
    local lasts = max(1, floor((c.rule.ends(c.state, now, c) - now) / 1000) + 1)
    redis.call('SET', KEYS[i], table.concat(texts, ' '), 'PX', string.format('%.0f', lasts))
  end
  for _, number in ipairs({c.wait, c.rule.left(c.state, now, c), c.rule.reset(c.state, now, c)}) do
    verdicts[#verdicts + 1] = string.format('%.0f', number)
  end
end
return verdicts
"""
