#include "hewn/runtime/files/safetensors_header.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/naming.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

namespace hewn::detail {

namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // as the format's reference implementation
constexpr std::size_t kMaxRank = 64;               // PyTorch's
constexpr std::size_t kMaxName = 1024;
constexpr std::string_view kMetadata = "__metadata__";

/// What the header says of one tensor, before any of it is believed.
struct RawTensor {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> offsets;
};

/// Takes the header's JSON event by event. The format is two objects deep, so the place in it is
/// all the state there is: nothing nests any deeper, and nothing is built that is not asked for.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<RawTensor> tensors;
  std::map<std::string, std::string> metadata;

  bool start_object(std::size_t) override {
    if (state_ == State::start) {
      state_ = State::names;
    } else if (state_ == State::names && key_ == kMetadata) {
      state_ = State::metadata;
    } else if (state_ == State::names) {
      tensors.push_back({.name = key_, .dtype = {}, .shape = {}, .offsets = {}});
      fields_.clear();
      state_ = State::tensor;
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(std::string& name) override {
    if (state_ == State::names) {
      if (name != kMetadata) check_tensor_name(name);
      require(names_.insert(name).second, "'", name, "' occurs twice");
    } else if (state_ == State::tensor) {
      require(name == "dtype" || name == "shape" || name == "data_offsets", where(),
              "expected dtype, shape and data_offsets, got another key");
      require(fields_.insert(name).second, where(), name, " occurs twice");
    }
    key_ = name;
    return true;
  }

  bool end_object() override {
    if (state_ == State::names) {
      state_ = State::end;
      return true;
    }
    require(state_ == State::metadata || fields_.size() == 3, where(),
            "expected dtype, shape and data_offsets, but one is missing");
    state_ = State::names;
    return true;
  }

  bool start_array(std::size_t) override {
    if (state_ != State::tensor || key_ == "dtype") unexpected("an array");
    state_ = State::numbers;
    return true;
  }

  bool end_array() override {
    state_ = State::tensor;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ != State::numbers) unexpected("a number");
    auto& numbers = key_ == "shape" ? tensors.back().shape : tensors.back().offsets;
    require(numbers.size() < kMaxRank, where(), key_, ": expected at most ", kMaxRank, " numbers");
    numbers.push_back(value);
    return true;
  }

  bool string(std::string& value) override {
    if (state_ == State::metadata) {
      require(metadata.emplace(key_, std::move(value)).second, kMetadata, ": a key occurs twice");
    } else if (state_ == State::tensor && key_ == "dtype") {
      tensors.back().dtype = std::move(value);
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const std::string&) override { unexpected("a fraction"); }
  bool boolean(bool) override { unexpected("true or false"); }
  bool null() override { unexpected("null"); }
  bool binary(binary_t&) override { unexpected("binary data"); }  // never in JSON text
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    fail("not valid JSON near byte ", position);
  }

 private:
  enum class State { start, names, metadata, tensor, numbers, end };

  std::string where() const {
    if (state_ == State::metadata) return text_of(kMetadata, ": ");
    return tensors.empty() ? "" : text_of("tensor '", tensors.back().name, "': ");
  }

  [[noreturn]] void unexpected(const char* what) const {
    switch (state_) {
      case State::start:
      case State::end:
        fail("expected an object, got ", what);
      case State::names:
        fail("'", key_, "': expected an object, got ", what);
      case State::metadata:
        fail(kMetadata, ": expected strings, got ", what);
      case State::tensor:
        fail(where(), key_, ": expected ", key_ == "dtype" ? "a string" : "an array", ", got ",
             what);
      case State::numbers:
        fail(where(), key_, ": expected whole numbers from 0, got ", what);
    }
    fail("unexpected ", what);
  }

  State state_ = State::start;
  std::string key_;
  std::set<std::string> names_;
  std::set<std::string> fields_;
};

Dtype parse_dtype(const std::string& name) {
  for (Dtype dtype : {Dtype::float32, Dtype::float16, Dtype::bfloat16, Dtype::int64}) {
    if (name == dtype_name(dtype)) return dtype;
  }
  constexpr std::size_t kShown = 16;
  fail("expected dtype F32, F16, BF16 or I64, got '", printable(name.substr(0, kShown)), "'");
}

Shape parse_shape(const std::vector<std::uint64_t>& numbers) {
  std::vector<std::int64_t> dims;
  for (std::uint64_t dim : numbers) {
    require(std::in_range<std::int64_t>(dim), "no dimension can be ", dim);
    dims.push_back(static_cast<std::int64_t>(dim));
  }
  return Shape(std::move(dims));
}

TensorEntry parse_tensor(const RawTensor& raw, std::span<const std::byte> data) {
  const Dtype dtype = parse_dtype(raw.dtype);
  Shape shape = parse_shape(raw.shape);
  require(raw.offsets.size() == 2, "expected 2 data_offsets, got ", raw.offsets.size());
  const std::uint64_t begin = raw.offsets[0];
  const std::uint64_t end = raw.offsets[1];
  require(begin <= end && end <= data.size(), "expected data_offsets in [0, ", data.size(),
          "], got [", begin, ", ", end, "]");
  const std::int64_t size =
      checked_multiply(shape.count(), static_cast<std::int64_t>(dtype_size(dtype)), "bytes");
  require(std::cmp_equal(end - begin, size), "expected ", size, " bytes for ", raw.dtype, " ",
          shape, ", got ", end - begin);
  return {raw.name, dtype, std::move(shape), data.subspan(begin, end - begin)};
}

std::vector<TensorEntry> parse_tensors(const std::vector<RawTensor>& raw,
                                       std::span<const std::byte> data) {
  std::vector<TensorEntry> tensors;
  tensors.reserve(raw.size());
  for (const RawTensor& tensor : raw) {
    tensors.push_back(
        naming(text_of("tensor '", tensor.name, "'"), [&] { return parse_tensor(tensor, data); }));
  }
  // Empty tensors come before the one that begins where they do.
  std::sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::tuple(a.data.data(), a.data.size(), std::string_view(a.name)) <
           std::tuple(b.data.data(), b.data.size(), std::string_view(b.name));
  });
  return tensors;
}

/// The format has no holes: each tensor begins where the one before it ends, and the last ends with
/// the file. So nothing overlaps, and a truncated file is always found out.
void check_contiguous(const std::vector<TensorEntry>& tensors, std::span<const std::byte> data) {
  const std::byte* expected = data.data();
  for (const TensorEntry& tensor : tensors) {
    require(tensor.data.data() == expected, "tensor '", tensor.name, "': expected its data at ",
            expected - data.data(), ", where the tensor before it ends, got ",
            tensor.data.data() - data.data());
    expected += tensor.data.size();
  }
  require(expected == data.data() + data.size(), "expected ", expected - data.data(),
          " bytes of data after the header, got ", data.size());
}

SafetensorsContents parse(std::span<const std::byte> file) {
  std::uint64_t header_size = 0;
  require(file.size() >= sizeof header_size, "expected at least 8 bytes, got ", file.size());
  std::memcpy(&header_size, file.data(), sizeof header_size);
  file = file.subspan(sizeof header_size);
  require(header_size <= file.size() && header_size <= kMaxHeader, "expected a header of at most ",
          std::min<std::uint64_t>(kMaxHeader, file.size()), " bytes, got ", header_size,
          " (is it a safetensors file?)");
  const auto* json = reinterpret_cast<const char*>(file.data());
  HeaderReader reader;
  naming("header", [&] { nlohmann::json::sax_parse(json, json + header_size, &reader); });

  const auto data = file.subspan(header_size);
  SafetensorsContents contents{.tensors = parse_tensors(reader.tensors, data),
                               .metadata = std::move(reader.metadata)};
  check_contiguous(contents.tensors, data);
  return contents;
}

}  // namespace

SafetensorsContents parse_safetensors(std::span<const std::byte> file, std::string_view path) {
  return naming(path, [&] { return parse(file); });
}

void check_tensor_name(std::string_view name) {
  require(!name.empty() && name.size() <= kMaxName, "a tensor's name: expected 1 to ", kMaxName,
          " bytes, got ", name.size());
  require(name != kMetadata, "no tensor can be named ", kMetadata);
  const bool printable = std::none_of(name.begin(), name.end(), [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return code < 0x20 || code == 0x7f;
  });
  require(printable, "a tensor's name: expected no control characters");
}

}  // namespace hewn::detail
