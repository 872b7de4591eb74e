#include "hewn/runtime/error.h"

#include <iostream>

#include "bench/support/bench.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    hewn::bench::register_benchmarks();
    benchmark::RunSpecifiedBenchmarks();
  } catch (const hewn::Error& error) {
    std::cerr << argv[0] << ": " << error.what() << "\n";
    return 1;
  }
  benchmark::Shutdown();
  return 0;
}
