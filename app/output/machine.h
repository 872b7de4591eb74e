// What the operating system says of the machine. Linux; what it does not say is left empty.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hewn::app {

/// The processor's name, as in /proc/cpuinfo; empty when there is none, as on most ARM systems.
std::string processor_name();

/// Those features of the processor, by their Linux names, that vector kernels could care about.
std::vector<std::string> vector_features();

/// The most memory that this process has had at one moment; 0 when unknown.
std::int64_t peak_resident_bytes();

}  // namespace hewn::app
