// hewn cpu: what this machine has, what is compiled in, what is chosen and why.
#include "hewn/runtime/context.h"
#include "hewn/runtime/isa/bf16.h"
#include "hewn/runtime/isa/caches.h"
#include "hewn/runtime/isa/isa.h"

#include <cstdlib>
#include <iostream>

#include "app/commands/commands.h"
#include "app/options/options.h"
#include "app/output/json_text.h"
#include "app/output/machine.h"
#include "app/output/table.h"
#include "app/output/units.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn cpu
  HEWN_ISA=avx2 hewn cpu

The environment variable HEWN_ISA forces one of the instruction sets, for every command.)";

struct Options {
  CommonOptions common;
  bool json = false;
};

const char* yes_or_no(bool value) { return value ? "yes" : "no"; }

const char* reason() {
  const char* forced = std::getenv("HEWN_ISA");
  return forced != nullptr && *forced != '\0' ? "asked for by HEWN_ISA"
                                              : "the best that is compiled in and supported";
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line.empty() ? "not reported" : line;
}

/// Of an instruction set, or of one for bfloat16.
template <typename Info>
Json use_of(const Info& info) {
  return {{"compiled", info.compiled}, {"supported", info.supported}, {"needs", info.features}};
}

Json to_json(const Context& ctx) {
  Json cache_list = Json::array();
  for (const Cache& cache : caches()) {
    cache_list.push_back({{"level", cache.level},
                          {"type", cache.type},
                          {"bytes", cache.bytes},
                          {"shared_by", cache.shared_by}});
  }
  Json sets = Json::array();
  for (const IsaInfo& info : isa_table()) {
    sets.push_back({{"name", info.name}, {"vector_bits", info.vector_bits}});
    sets.back().update(use_of(info));
  }
  Json bf16_sets = Json::array();
  for (const Bf16Info& info : bf16_table()) {
    bf16_sets.push_back({{"name", info.name}});
    bf16_sets.back().update(use_of(info));
  }
  return {{"processor", processor_name()},
          {"features", vector_features()},
          {"threads", ctx.threads()},
          {"caches", std::move(cache_list)},
          {"instruction_sets", std::move(sets)},
          {"bfloat16_instructions", std::move(bf16_sets)},
          {"chosen", isa_name(ctx.isa())},
          {"why", reason()}};
}

void print_machine(const Context& ctx) {
  const std::string name = processor_name();
  Table table({Align::left, Align::left});
  table.add_row({"processor", name.empty() ? "not reported" : name});
  table.add_row({"features", joined(vector_features())});
  table.add_row({"threads", std::to_string(ctx.threads())});
  const std::vector<Cache> found = caches();
  if (found.empty()) table.add_row({"caches", "not reported"});
  for (const Cache& cache : found) {
    table.add_row(
        {"cache L" + std::to_string(cache.level),
         human_bytes(cache.bytes) + ", " + cache.type + ", of processors " + cache.shared_by});
  }
  table.print(std::cout);
}

void print_instruction_sets(const Context& ctx) {
  Table table({Align::left, Align::right, Align::left, Align::left, Align::left, Align::left});
  table.add_row({"instruction set", "bits", "compiled", "supported", "chosen", "needs"});
  for (const IsaInfo& info : isa_table()) {
    table.add_row({std::string(info.name), std::to_string(info.vector_bits),
                   yes_or_no(info.compiled), info.compiled ? yes_or_no(info.supported) : "-",
                   info.isa == ctx.isa() ? "yes" : "", std::string(info.features)});
  }
  table.print(std::cout);
  std::cout << "\nchosen: " << isa_name(ctx.isa()) << ", " << reason() << '\n';
  const auto bf16 = ctx.bf16();
  std::cout << "--bf16: " << (bf16 ? bf16_name(*bf16) : "nothing here multiplies bfloat16") << '\n';
}

void add_options(CLI::App& command, Options& options) {
  OptionGroup(command, "Output").add_flag("--json", options.json, "Print JSON");
}

void run(const Options& options) {
  const Context ctx = make_context(options.common);
  if (options.json) {
    std::cout << to_text(to_json(ctx));
    return;
  }
  print_machine(ctx);
  std::cout << '\n';
  print_instruction_sets(ctx);
}

}  // namespace

void add_cpu(CLI::App& parent) {
  add_command<Options>(parent, "cpu", "Say what this machine has and which instructions are used",
                       kHelp, add_options, run);
}

}  // namespace hewn::app
