#include "hewn/models/layers/model_config.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace hewn {

namespace {

using nlohmann::json;

/// A value for a message of one line: the beginning of it, and nothing of what is nested, since the
/// file may hold anything.
std::string shown(const json& value) {
  constexpr std::size_t kLongest = 60;
  const auto is_structured = [](const json& element) { return element.is_structured(); };
  if (value.is_discarded()) return "none";
  if (value.is_structured() && std::any_of(value.begin(), value.end(), is_structured)) {
    return text_of("a nested ", value.type_name());
  }
  const std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);
  return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

/// "none, magicleap or half-pixel".
std::string alternatives(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 < names.size() ? ", " : " or ";
    text += names[i];
  }
  return text;
}

bool is_int64(const json& value) {
  if (value.is_number_unsigned()) return std::in_range<std::int64_t>(value.get<std::uint64_t>());
  return value.is_number_integer();
}

}  // namespace

struct ModelConfig::Contents {
  std::string name;  // for messages
  json object;
  json none;  // the value of a key that is not there: of no type
};

/// The value of a key.
class ModelConfig::Entry {
 public:
  Entry(const Contents& contents, const std::string& key)
      : name_(text_of(contents.name, ": ", key)) {
    const auto found = contents.object.find(key);
    value_ = found == contents.object.end() ? &contents.none : &*found;
  }

  const json& value() const { return *value_; }

  /// Throws Error, which says what was expected and what came, unless `condition` holds.
  template <typename... Expected>
  void expect(bool condition, const Expected&... expected) const {
    if (!condition) fail(name_, ": expected ", expected..., ", got ", shown(value()));
  }

 private:
  std::string name_;
  const json* value_;
};

ModelConfig::ModelConfig(const SafetensorsFile& file) {
  Contents contents{
      .name = file.path().string() + ": hewn.config",
      .object = json::parse(file.metadata_at("hewn.config"), nullptr, /*allow_exceptions=*/false),
      .none = json::value_t::discarded};
  require(contents.object.is_object(), contents.name, ": expected a JSON object");
  contents_ = std::make_shared<const Contents>(std::move(contents));
}

std::string ModelConfig::text(const std::string& key) const {
  const Entry entry(*contents_, key);
  entry.expect(entry.value().is_string(), "a string");
  return entry.value().get<std::string>();
}

std::int64_t ModelConfig::integer(const std::string& key, std::int64_t least,
                                  std::int64_t most) const {
  const Entry entry(*contents_, key);
  const json& value = entry.value();
  entry.expect(is_int64(value) && value >= least && value <= most, "an integer from ", least,
               " to ", most);
  return value.get<std::int64_t>();
}

std::vector<double> ModelConfig::numbers(const std::string& key, std::size_t count, double least,
                                         double most) const {
  const Entry entry(*contents_, key);
  const json& value = entry.value();
  const auto fits = [&](const json& number) {
    return number.is_number() && number >= least && number <= most;
  };
  entry.expect(value.is_array() && value.size() == count && std::ranges::all_of(value, fits), count,
               " numbers from ", least, " to ", most);
  return value.get<std::vector<double>>();
}

std::vector<std::string> ModelConfig::texts(const std::string& key) const {
  const Entry entry(*contents_, key);
  const json& value = entry.value();
  const auto is_string = [](const json& element) { return element.is_string(); };
  entry.expect(value.is_array() && std::ranges::all_of(value, is_string), "a list of strings");
  return value.get<std::vector<std::string>>();
}

bool ModelConfig::has(const std::string& key) const {
  const Entry entry(*contents_, key);
  return !entry.value().is_discarded() && !entry.value().is_null();
}

void ModelConfig::expect(const std::string& key, std::int64_t value) const {
  const Entry entry(*contents_, key);
  entry.expect(entry.value() == value, value);
}

std::size_t ModelConfig::index(const std::string& key,
                               std::span<const std::string_view> names) const {
  const Entry entry(*contents_, key);
  const auto found =
      std::ranges::find_if(names, [&](std::string_view name) { return entry.value() == name; });
  entry.expect(found != names.end(), alternatives(names));
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace hewn
