// hewn inspect: what a weights file holds.
#include "hewn/runtime/files/safetensors.h"

#include <iostream>

#include "app/commands/commands.h"
#include "app/options/options.h"
#include "app/output/json_text.h"
#include "app/output/table.h"
#include "app/output/units.h"

namespace hewn::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHelp = R"(Examples:
  hewn inspect superpoint.safetensors
  hewn inspect dump.safetensors --json)";

constexpr const char* kModelKey = "hewn.model";
constexpr const char* kConfigKey = "hewn.config";

struct Options {
  fs::path file;
  CommonOptions common;
  bool json = false;
};

struct Totals {
  std::int64_t elements = 0;
  std::int64_t bytes = 0;
};

Totals totals_of(const SafetensorsFile& file) {
  Totals totals;
  for (const TensorEntry& tensor : file.tensors()) {
    totals.elements += tensor.shape.count();
    totals.bytes += static_cast<std::int64_t>(tensor.data.size());
  }
  return totals;
}

const std::string* find_metadata(const SafetensorsFile& file, const char* key) {
  const auto entry = file.metadata().find(key);
  return entry == file.metadata().end() ? nullptr : &entry->second;
}

/// The configuration is JSON in a string; one that is not stays the string it is.
Json config_json(const std::string& config) {
  Json parsed = Json::parse(config, nullptr, false);
  return parsed.is_discarded() ? Json(config) : parsed;
}

Json to_json(const Options& options, const SafetensorsFile& file) {
  Json tensors = Json::array();
  for (const TensorEntry& tensor : file.tensors()) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", dtype_name(tensor.dtype)},
                       {"shape", tensor.shape.dims()},
                       {"elements", tensor.shape.count()},
                       {"bytes", tensor.data.size()}});
  }
  const Totals totals = totals_of(file);
  const std::string* model = find_metadata(file, kModelKey);
  const std::string* config = find_metadata(file, kConfigKey);
  return {{"file", options.file.string()},
          {"bytes", file.file_size()},
          {"model", model != nullptr ? Json(*model) : Json()},
          {"config", config != nullptr ? config_json(*config) : Json()},
          {"metadata", file.metadata()},
          {"tensors", std::move(tensors)},
          {"total_elements", totals.elements},
          {"total_tensor_bytes", totals.bytes}};
}

void print(const Options& options, const SafetensorsFile& file) {
  const std::string* model = find_metadata(file, kModelKey);
  const std::string* config = find_metadata(file, kConfigKey);
  Table head({Align::left, Align::left});
  head.add_row({"file", options.file.string()});
  head.add_row({"size", human_bytes(static_cast<std::int64_t>(file.file_size()))});
  head.add_row({"model", model != nullptr ? *model : "none named"});
  if (config != nullptr) head.add_row({"config", *config});
  for (const auto& [key, value] : file.metadata()) {
    if (key != kModelKey && key != kConfigKey) head.add_row({key, value});
  }
  head.print(std::cout);

  std::cout << '\n';
  Table tensors({Align::left, Align::left, Align::left, Align::right});
  tensors.add_row({"tensor", "dtype", "shape", "size"});
  for (const TensorEntry& tensor : file.tensors()) {
    tensors.add_row({tensor.name, std::string(dtype_name(tensor.dtype)), to_string(tensor.shape),
                     human_bytes(static_cast<std::int64_t>(tensor.data.size()))});
  }
  tensors.print(std::cout);
  const Totals totals = totals_of(file);
  std::cout << '\n'
            << counted(std::ssize(file.tensors()), "tensor") << ", " << totals.elements
            << " numbers, " << human_bytes(totals.bytes) << '\n';
}

void add_options(CLI::App& command, Options& options) {
  add_argument(command, "FILE", options.file, "The safetensors file")->required();
  OptionGroup(command, "Output").add_flag("--json", options.json, "Print JSON");
}

void run(const Options& options) {
  const SafetensorsFile file(options.file);
  if (options.json) {
    std::cout << to_text(to_json(options, file));
  } else {
    print(options, file);
  }
}

}  // namespace

void add_inspect(CLI::App& parent) {
  add_command<Options>(parent, "inspect", "Say what is in a safetensors file", kHelp, add_options,
                       run);
}

}  // namespace hewn::app
