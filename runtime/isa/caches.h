// The processor's caches, as the operating system reports them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hewn {

/// A cache of the first processor.
struct Cache {
  int level = 0;
  std::string type;  ///< "Data", "Instruction", "Unified"
  std::int64_t bytes = 0;
  std::string shared_by;  ///< processors, as in "0-1,4"
};

/// The caches that Linux lists in /sys; empty where it lists none, and on other systems. Reads
/// files: call it once. Thread-safe.
std::vector<Cache> caches();

/// How much of L2 one thread may count on: what caches() reports, divided by the processors that
/// share it; 512 KB where nothing is reported. Between 128 KB and 4 MB. Kernels size their blocks
/// by it, which changes how fast they are and never a result. Thread-safe.
std::int64_t l2_bytes_per_thread();

}  // namespace hewn
