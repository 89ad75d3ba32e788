// Events that arrive at given cycles: a trigger's input queue in front of the core.

#pragma once

#include <cstdint>

namespace stream {

constexpr int CLOSED = -1;
constexpr int NOTHING = -2;

// Reads the arrivals; `fates` is written at the end.
void load(const char *arrivals, const char *fates);

// Whether there are arrivals.
bool is_loaded();

// The core looks at its link.
int receive(std::uint64_t now);

// The core's pins.
void busy(std::uint64_t now, bool up);
void accept(bool up);

// Writes the fates.
bool finish();

}  // namespace stream
