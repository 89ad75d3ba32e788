// The testbench: a clock, and the devices of memory.v on the standard streams. The link is standard
// input and output, the log is standard error.
//
// It is deterministic: every cycle follows from the image and the bytes that come, as the clock
// stands still while the core waits for one. With +arrivals=FILE and +fates=FILE time does not stand
// still any more once standard input is closed: from then on events arrive at their cycles (stream.cpp).

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <unistd.h>

#include "Vsoc.h"
#include "Vsoc__Dpi.h"
#include "stream.h"
#include "verilated.h"

namespace {

constexpr int RESET_CYCLES = 8;

std::uint64_t cycle = 0;
bool closed = false;
bool ended = false;
int exit_code = 1;
std::string unsent;

void end(int code) {
  if (!ended) {
    ended = true;
    exit_code = code;
  }
}

void flush() {
  const char *next = unsent.data();
  std::size_t left = unsent.size();
  while (left > 0) {
    const ssize_t written = write(STDOUT_FILENO, next, left);
    if (written < 0) {
      if (errno == EINTR) continue;
      // Nobody listens any more.
      end(1);
      break;
    }
    next += written;
    left -= static_cast<std::size_t>(written);
  }
  unsent.clear();
}

}  // namespace

extern "C" int testbench_receive() {
  if (closed) return stream::receive(cycle);
  static unsigned char bytes[4096];
  static ssize_t next = 0, count = 0;
  if (next == count) {
    flush();
    do {
      count = read(STDIN_FILENO, bytes, sizeof bytes);
    } while (count < 0 && errno == EINTR);
    next = 0;
    if (count <= 0) {
      count = 0;
      closed = stream::is_loaded();
      return closed ? stream::receive(cycle) : stream::CLOSED;
    }
  }
  return bytes[next++];
}

extern "C" void testbench_send(int character) {
  unsent.push_back(static_cast<char>(character));
  // Frames end with a zero.
  if (character == 0 || unsent.size() >= 4096) flush();
}

extern "C" void testbench_log(int character) { std::fputc(character, stderr); }

extern "C" void testbench_busy(int level) { stream::busy(cycle, level != 0); }

extern "C" void testbench_accept(int level) { stream::accept(level != 0); }

extern "C" void testbench_exit(int code) { end(code); }

extern "C" void testbench_fault(int address) {
  if (ended) return;
  std::fprintf(stderr,
               "no memory and no device at 0x%08x, or none that can be read or written so; the "
               "stack grows down to 0 and beyond it to 0xffffffff\n",
               static_cast<unsigned>(address));
  end(1);
}

static std::string argument(VerilatedContext &context, const std::string &name) {
  const std::string match = context.commandArgsPlusMatch(name.c_str());
  return match.empty() ? match : match.substr(1 + name.size());
}

double sc_time_stamp() { return 0; }

int main(int argc, char **argv) {
  const auto context = std::make_unique<VerilatedContext>();
  context->commandArgs(argc, argv);
  // What RTL leaves undefined starts as 0.
  context->randReset(0);
  const std::string arrivals = argument(*context, "arrivals=");
  if (!arrivals.empty()) stream::load(arrivals.c_str(), argument(*context, "fates=").c_str());
  const auto soc = std::make_unique<Vsoc>(context.get());
  // An edge, for registers that are reset without a clock.
  soc->eval();
  soc->reset = 1;
  for (; !ended && !context->gotFinish(); ++cycle) {
    if (cycle == RESET_CYCLES) soc->reset = 0;
    soc->clk = 1;
    soc->eval();
    soc->clk = 0;
    soc->eval();
    if (soc->trap && cycle > RESET_CYCLES && !ended) {
      std::fprintf(stderr, "the core stopped: an illegal instruction, or an address that is none\n");
      end(1);
    }
  }
  flush();
  soc->final();
  return stream::finish() ? exit_code : 1;
}
