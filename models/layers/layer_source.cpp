#include "hewn/models/layers/layer_source.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <cmath>
#include <cstring>
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

/// Whether none of these binary16 numbers is NaN or infinite.
bool are_finite(std::span<const std::uint16_t> halves) {
  constexpr unsigned kExponent = 0x7c00;
  unsigned bad = 0;
  for (const std::uint16_t half : halves) bad |= (half & kExponent) == kExponent ? 1U : 0U;
  return bad == 0;
}

/// One entry of a file's configuration.
class ConfigEntry {
 public:
  ConfigEntry(const SafetensorsFile& file, const std::string& key)
      : name_(text_of(file.path().string(), ": hewn.config: ", key)) {
    auto config = json::parse(file.metadata_at("hewn.config"), nullptr, /*allow_exceptions=*/false);
    require(config.is_object(), file.path().string(), ": hewn.config: expected a JSON object");
    const auto found = config.find(key);
    if (found != config.end()) value_ = std::move(*found);  // a copy recurses as deep as it nests
  }

  /// Discarded, which is of no type, where there is none.
  const json& value() const { return value_; }

  /// Throws Error, which says what was expected and what came, unless `condition` holds.
  template <typename... Expected>
  void expect(bool condition, const Expected&... expected) const {
    if (!condition) fail(name_, ": expected ", expected..., ", got ", shown(value_));
  }

 private:
  std::string name_;
  json value_ = json::value_t::discarded;
};

}  // namespace

ConvWeights LayerSource::conv_weights(const std::string& name, const Shape& shape) {
  return weights(name, shape, {.out = shape[0], .in = shape[1] * shape[2] * shape[3]});
}

PackedConv2d LayerSource::packed_conv(const std::string& name, const Shape& shape,
                                      const Conv2dParams& params) {
  Conv2dParams packed = params;
  packed.packing = packing_;
  return {name, packed, conv_weights(name, shape).spans()};
}

ConvLayer LayerSource::conv(const std::string& name, const Shape& shape,
                            const Conv2dParams& params) {
  return ConvLayer(packed_conv(name, shape, params));
}

ConvTransposeLayer LayerSource::conv_transpose(const std::string& name, const Shape& shape,
                                               const ConvTranspose2dParams& params) {
  ConvTranspose2dParams packed = params;
  packed.packing = packing_;
  const std::int64_t taps = shape[2] * shape[3] / (params.stride_h * params.stride_w);
  const Fan fan{.out = shape[1] * params.groups, .in = shape[0] / params.groups * taps};
  return ConvTransposeLayer({name, packed, weights(name, shape, fan).spans()});
}

PackedConvGru LayerSource::conv_gru(const std::string& name, const std::string& suffix,
                                    const Shape& shape, std::int64_t constants) {
  const auto weights_of = [&](const char* gate) {
    return conv_weights(text_of(name, ".conv", gate, suffix), shape);
  };
  const ConvWeights z = weights_of("z");
  const ConvWeights r = weights_of("r");
  const ConvWeights q = weights_of("q");
  return {
      name + suffix,
      {.shape = shape, .z = {z.weight, z.bias}, .r = {r.weight, r.bias}, .q = {q.weight, q.bias}},
      constants,
      packing_};
}

FileLayers::FileLayers(const SafetensorsFile& file, std::string_view model, Conv2dPacking packing,
                       LinearPrecision precision)
    : LayerSource(packing), file_(file), precision_(precision) {
  const std::string& kind = file.metadata_at("hewn.model");
  require(kind == model, file.path().string(), ": expected the weights of a ", model,
          " model, got those of a ", kind, " model");
}

std::string FileLayers::config(const std::string& key) const {
  const ConfigEntry entry(file_, key);
  entry.expect(entry.value().is_string(), "a string");
  return entry.value().get<std::string>();
}

std::int64_t FileLayers::config_integer(const std::string& key, std::int64_t least,
                                        std::int64_t most) const {
  const ConfigEntry entry(file_, key);
  const json& value = entry.value();
  entry.expect(is_int64(value) && value >= least && value <= most, "an integer from ", least,
               " to ", most);
  return value.get<std::int64_t>();
}

std::vector<double> FileLayers::config_numbers(const std::string& key, std::size_t count,
                                               double least, double most) const {
  const ConfigEntry entry(file_, key);
  const json& value = entry.value();
  const auto fits = [&](const json& number) {
    return number.is_number() && number >= least && number <= most;
  };
  entry.expect(value.is_array() && value.size() == count && std::ranges::all_of(value, fits), count,
               " numbers from ", least, " to ", most);
  return value.get<std::vector<double>>();
}

bool FileLayers::config_flag(const std::string& key) const {
  const ConfigEntry entry(file_, key);
  entry.expect(entry.value().is_boolean(), "true or false");
  return entry.value().get<bool>();
}

bool FileLayers::has_config(const std::string& key) const {
  const ConfigEntry entry(file_, key);
  return !entry.value().is_discarded() && !entry.value().is_null();
}

std::vector<std::string> FileLayers::config_strings(const std::string& key) const {
  const ConfigEntry entry(file_, key);
  const json& value = entry.value();
  const auto is_string = [](const json& element) { return element.is_string(); };
  entry.expect(value.is_array() && std::ranges::all_of(value, is_string), "a list of strings");
  return value.get<std::vector<std::string>>();
}

std::size_t FileLayers::config_index(const std::string& key,
                                     std::span<const std::string_view> names) const {
  const ConfigEntry entry(file_, key);
  const auto found =
      std::ranges::find_if(names, [&](std::string_view name) { return entry.value() == name; });
  entry.expect(found != names.end(), alternatives(names));
  return static_cast<std::size_t>(found - names.begin());
}

void FileLayers::expect_config(const std::string& key, std::int64_t value) const {
  const ConfigEntry entry(file_, key);
  entry.expect(entry.value() == value, value);
}

ConvWeights FileLayers::weights(const std::string& name, const Shape& shape, const Fan& fan) {
  const Shape channels{fan.out};
  ConvWeights weights{.shape = shape,
                      .weight = values(name + ".weight", shape),
                      .bias = values(name + ".bias", channels),
                      .scale = {},
                      .shift = {}};
  if (file_.find(name + ".scale") != nullptr) {
    weights.scale = values(name + ".scale", channels);
    weights.shift = values(name + ".shift", channels);
  }
  return weights;
}

std::int64_t FileLayers::rank_of(const std::string& tensor) const {
  const TensorEntry* entry = file_.find(tensor);
  return entry == nullptr ? 0 : entry->shape.rank();
}

const Shape& FileLayers::shape_of(const std::string& tensor, std::int64_t rank) const {
  const Shape& shape = file_.at(tensor).shape;
  require(shape.rank() == rank && shape.count() > 0, file_.path().string(), ": tensor '", tensor,
          "': expected ", rank, " sizes of at least 1, got shape ", shape);
  return shape;
}

std::vector<float> FileLayers::values(const std::string& tensor, const Shape& shape) {
  read_.insert(tensor);
  std::vector<float> storage;
  const auto span = file_.floats(tensor, shape, storage);
  return storage.empty() ? std::vector<float>(span.begin(), span.end()) : storage;
}

StoredMatrix FileLayers::matrix(const std::string& tensor, const Shape& shape) {
  const TensorEntry& entry = file_.at(tensor);
  StoredMatrix matrix{.shape = shape, .values = {}, .halves = {}};
  if (entry.dtype == Dtype::float16 && entry.shape == shape) {
    read_.insert(tensor);
    matrix.halves.resize(static_cast<std::size_t>(shape.count()));
    std::memcpy(matrix.halves.data(), entry.data.data(), entry.data.size());
    if (are_finite(matrix.halves)) return matrix;
  }
  matrix.values = values(tensor, shape);
  return matrix;
}

const TensorEntry& FileLayers::deferred(const std::string& tensor, const Shape& shape) {
  read_.insert(tensor);
  const TensorEntry& entry = file_.at(tensor);
  require(entry.shape == shape && entry.dtype != Dtype::int64, path(), ": tensor '", tensor,
          "': expected floating values of shape ", shape, ", got ", dtype_name(entry.dtype),
          " of shape ", entry.shape);
  return entry;
}

PackedLinear FileLayers::linear(const std::string& name, const Shape& shape,
                                const Activation& activation) {
  const StoredMatrix weight = matrix(name + ".weight", shape);
  const std::vector<float> bias = values(name + ".bias", Shape{shape[0]});
  return {name, weight.rows(0, shape[0], bias), activation, precision_};
}

LinearWeights StoredMatrix::rows(std::int64_t begin, std::int64_t end,
                                 std::span<const float> bias) const {
  const auto part = [&]<typename Value>(const std::vector<Value>& all) {
    const auto columns = static_cast<std::size_t>(shape[1]);
    return std::span<const Value>(all).subspan(static_cast<std::size_t>(begin) * columns,
                                               static_cast<std::size_t>(end - begin) * columns);
  };
  LinearWeights weights{.shape = {end - begin, shape[1]}, .weight = {}, .bias = bias};
  if (halves.empty()) {
    weights.weight = part(values);
  } else {
    weights.halves = part(halves);
  }
  return weights;
}

void FileLayers::expect_nothing_left(std::initializer_list<std::string_view> others) const {
  for (const TensorEntry& tensor : file_.tensors()) {
    const bool known =
        read_.contains(tensor.name) || std::ranges::any_of(others, [&](std::string_view prefix) {
          return tensor.name.starts_with(prefix);
        });
    require(known, file_.path().string(), ": tensor '", tensor.name,
            "' belongs to no layer of this model");
  }
}

ConvWeights RandomLayers::weights(const std::string& name, const Shape& shape, const Fan& fan) {
  const auto gain = std::ranges::find_if(gains_, [&](const Gain& candidate) {
    return name.find(candidate.part) != std::string::npos;
  });
  const auto fan_in = static_cast<double>(fan.in);
  // A uniform distribution from −b to b has the variance b² / 3.
  const double bound = (gain == gains_.end() ? kReluGain : gain->gain) * std::sqrt(3 / fan_in);
  ConvWeights weights{.shape = shape,
                      .weight = std::vector<float>(static_cast<std::size_t>(shape.count())),
                      .bias = std::vector<float>(static_cast<std::size_t>(fan.out)),
                      .scale = {},
                      .shift = {}};
  for (float& value : weights.weight) value = static_cast<float>(random_.uniform(-bound, bound));
  for (float& value : weights.bias) value = static_cast<float>(random_.uniform(-0.1, 0.1));
  return weights;
}

}  // namespace hewn
