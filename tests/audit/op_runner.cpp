#include "tests/audit/op_runner.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <iostream>
#include <string_view>

namespace hewn::audit {
namespace {

struct Adapter {
  std::string_view op;
  void (*run)(const AuditCase& which, AuditResults& results, Context& ctx);
};

constexpr Adapter kAdapters[] = {
    {"attention", run_attention},
    {"avg_pool2d", run_avg_pool2d},
    {"binary", run_binary},
    {"concat", run_concat},
    {"conv2d", run_conv2d},
    {"conv_gru", run_conv_gru},
    {"conv_transpose2d", run_conv_transpose2d},
    {"convex_upsample", run_convex_upsample},
    {"correlation", run_correlation},
    {"depth_to_space", run_depth_to_space},
    {"grid_sample", run_grid_sample},
    {"gru", run_gru},
    {"gru_cell", run_gru_cell},
    {"instance_norm", run_instance_norm},
    {"l2_normalize", run_l2_normalize},
    {"layer_norm", run_layer_norm},
    {"linear", run_linear},
    {"matmul", run_matmul},
    {"max_pool2d", run_max_pool2d},
    {"resize", run_resize},
    {"slice", run_slice},
    {"softmax", run_softmax},
    {"topk", run_topk},
    {"tree_attention", run_tree_attention},
    {"unary", run_unary},
};

struct Arguments {
  std::filesystem::path in;
  std::filesystem::path out;
  int threads = 1;
};

class UsageError : public Error {
 public:
  UsageError() : Error("usage: hewn_op_runner IN.safetensors OUT.safetensors [--threads N]") {}
};

Arguments parse_arguments(std::span<char*> words) {
  if (words.size() != 3 && words.size() != 5) throw UsageError();
  Arguments arguments{.in = words[1], .out = words[2]};
  if (words.size() == 5) {
    const std::string_view number = words[4];
    const auto parsed =
        std::from_chars(number.data(), number.data() + number.size(), arguments.threads);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == number.data() + number.size();
    if (std::string_view(words[3]) != "--threads" || !whole) throw UsageError();
  }
  return arguments;
}

std::vector<AuditCase> read_cases(const SafetensorsFile& file) {
  std::vector<AuditCase> cases;
  try {
    for (const auto& entry : nlohmann::json::parse(file.metadata_at("cases"))) {
      cases.emplace_back(entry.at("id").get<std::string>(), entry.at("op").get<std::string>(),
                         entry.at("params"), file);
    }
  } catch (const nlohmann::json::exception& error) {
    fail(file.path().string(), ": metadata 'cases': ", error.what());
  }
  return cases;
}

void run_case(const AuditCase& which, AuditResults& results, Context& ctx) {
  const auto* const adapter =
      std::find_if(std::begin(kAdapters), std::end(kAdapters),
                   [&](const Adapter& candidate) { return candidate.op == which.op(); });
  require(adapter != std::end(kAdapters), "case ", which.id(), ": no adapter for operator '",
          which.op(), "'");
  adapter->run(which, results, ctx);
}

void run(const Arguments& arguments) {
  const SafetensorsFile file(arguments.in);
  Context ctx({.threads = arguments.threads});
  AuditResults results;
  for (const AuditCase& which : read_cases(file)) run_case(which, results, ctx);
  results.write(arguments.out);
}

}  // namespace
}  // namespace hewn::audit

int main(int argc, char** argv) {
  try {
    hewn::audit::run(hewn::audit::parse_arguments({argv, static_cast<std::size_t>(argc)}));
    return 0;
  } catch (const hewn::audit::UsageError& error) {
    std::cerr << error.what() << "\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "hewn_op_runner: " << error.what() << "\n";
    return 1;
  }
}
