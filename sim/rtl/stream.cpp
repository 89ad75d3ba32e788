// Events that arrive at given cycles: a trigger's input queue in front of the core.
//
// An event takes a place when it arrives, and leaves it when BUSY falls after it; one that finds no
// place is lost. The core finds an event when it looks at its link, byte by byte, oldest first. Cycle 0
// is that of the first look. In one cycle BUSY falls, then events arrive, then the core looks.
//
//   arrivals: places, then for each event a line: cycle, its bytes in hex
//   fates:    for each event a line: `lost`, or the cycles of its first byte and of the fall of BUSY, and
//             ACCEPT; then `polls`, and the least and largest cycles from one vain look to the next, and
//             from the fall of BUSY to the next look

#include "stream.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <string>
#include <vector>

namespace stream {
namespace {

struct Event {
  std::uint64_t at = 0;
  std::string bytes;
  bool lost = false;
  std::uint64_t begin = 0, end = 0;
  bool accepted = false;
};

struct Range {
  std::uint64_t least = UINT64_MAX, largest = 0;
  void add(std::uint64_t value) {
    least = std::min(least, value);
    largest = std::max(largest, value);
  }
};

bool loaded = false;
std::string fates;
std::vector<Event> events;
std::size_t places = 0, taken = 0, next_event = 0;
std::deque<std::size_t> waiting;

// The event in service, and how much of it the core has.
std::size_t current = 0, position = 0;
bool serving = false, accepted = false;

bool started = false, looked_in_vain = false, left = false;
std::uint64_t start = 0, last_look = 0, last_fall = 0;
Range periods, turnarounds;

// Lets events arrive before cycle `end`.
void arrive(std::uint64_t end) {
  for (; next_event < events.size() && events[next_event].at < end; ++next_event) {
    if (taken == places) {
      events[next_event].lost = true;
    } else {
      ++taken;
      waiting.push_back(next_event);
    }
  }
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  std::fprintf(stderr, "arrivals: `%c` is no hexadecimal digit\n", c);
  std::exit(1);
}

}  // namespace

void load(const char *arrivals, const char *to) {
  std::ifstream file(arrivals);
  Event event;
  std::string hex;
  if (!(file >> places) || places == 0) {
    std::fprintf(stderr, "arrivals: %s cannot be read, or has no places\n", arrivals);
    std::exit(1);
  }
  while (file >> event.at >> hex) {
    event.bytes.clear();
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      event.bytes.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
    events.push_back(event);
  }
  fates = to;
  loaded = true;
}

bool is_loaded() { return loaded; }

int receive(std::uint64_t cycle) {
  if (!started) {
    started = true;
    start = cycle;
  }
  const std::uint64_t now = cycle - start;
  if (serving && position < events[current].bytes.size())
    return static_cast<unsigned char>(events[current].bytes[position++]);
  arrive(now + 1);
  if (looked_in_vain) periods.add(now - last_look);
  if (left) turnarounds.add(now - last_fall);
  left = false;
  looked_in_vain = waiting.empty();
  last_look = now;
  if (waiting.empty()) return next_event == events.size() ? CLOSED : NOTHING;
  current = waiting.front();
  waiting.pop_front();
  serving = true;
  events[current].begin = now;
  position = 1;
  return static_cast<unsigned char>(events[current].bytes[0]);
}

void busy(std::uint64_t cycle, bool up) {
  if (up || !serving) return;
  const std::uint64_t now = cycle - start;
  arrive(now);
  --taken;
  serving = false;
  left = true;
  last_fall = now;
  events[current].end = now;
  events[current].accepted = accepted;
}

void accept(bool up) { accepted = up; }

bool finish() {
  if (!loaded) return true;
  std::ofstream file(fates);
  for (const Event &event : events) {
    if (event.lost)
      file << "lost\n";
    else
      file << event.begin << ' ' << event.end << ' ' << event.accepted << '\n';
  }
  file << "polls " << periods.least << ' ' << periods.largest << ' ' << turnarounds.least << ' '
       << turnarounds.largest << '\n';
  return static_cast<bool>(file.flush());
}

}  // namespace stream
