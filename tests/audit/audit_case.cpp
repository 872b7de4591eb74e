#include "hewn/runtime/error.h"

#include <map>
#include <utility>

#include "tests/audit/op_runner.h"

namespace hewn::audit {

AuditCase::AuditCase(std::string id, std::string op, nlohmann::json params,
                     const SafetensorsFile& file)
    : id_(std::move(id)), op_(std::move(op)), params_(std::move(params)), file_(file) {}

template <typename Value>
Value AuditCase::param(const char* name) const {
  try {
    return params_.at(name).get<Value>();
  } catch (const nlohmann::json::exception& error) {
    fail("case ", id_, " (", op_, "): parameter ", name, ": ", error.what());
  }
}

std::int64_t AuditCase::integer(const char* name) const { return param<std::int64_t>(name); }
double AuditCase::number(const char* name) const { return param<double>(name); }
bool AuditCase::flag(const char* name) const { return param<bool>(name); }
std::string AuditCase::text(const char* name) const { return param<std::string>(name); }

std::array<std::int64_t, 2> AuditCase::integer_pair(const char* name) const {
  return param<std::array<std::int64_t, 2>>(name);
}

std::array<double, 2> AuditCase::number_pair(const char* name) const {
  return param<std::array<double, 2>>(name);
}

std::vector<std::int32_t> AuditCase::integers(const char* name) const {
  return param<std::vector<std::int32_t>>(name);
}

Activation AuditCase::activation(const char* name) const {
  using Kind = Activation::Kind;
  static const std::map<std::string, Kind> kinds{{"none", Kind::none},
                                                 {"relu", Kind::relu},
                                                 {"leaky_relu", Kind::leaky_relu},
                                                 {"sigmoid", Kind::sigmoid},
                                                 {"tanh", Kind::tanh},
                                                 {"gelu", Kind::gelu},
                                                 {"quick_gelu", Kind::quick_gelu}};
  if (!has_param(name)) return {};
  const auto found = kinds.find(text(name));
  require(found != kinds.end(), "case ", id_, ": unknown activation '", text(name), "'");
  Activation activation{.kind = found->second};
  if (has_param("negative_slope")) {
    activation.negative_slope = static_cast<float>(number("negative_slope"));
  }
  return activation;
}

const TensorEntry& AuditCase::entry(const char* argument) const {
  const TensorEntry& entry = file_.at(text_of(id_, ".", argument));
  require(entry.dtype == Dtype::float32, "case ", id_, ": ", argument, ": expected F32, got ",
          dtype_name(entry.dtype));
  return entry;
}

bool AuditCase::has(const char* argument) const {
  return file_.find(text_of(id_, ".", argument)) != nullptr;
}

std::vector<float> AuditCase::values(const char* argument) const {
  // Not SafetensorsFile::floats(), which refuses the NaN and infinities that some cases are about.
  const TensorEntry& tensor = entry(argument);
  std::vector<float> values(static_cast<std::size_t>(tensor.shape.count()));
  widen(tensor.data, tensor.dtype, values);
  return values;
}

std::vector<float> AuditCase::values_or_none(const char* argument) const {
  return has(argument) ? values(argument) : std::vector<float>{};
}

Tensor AuditCase::tensor(const char* argument) const {
  const Shape& s = shape(argument);
  const std::vector<float> from = values(argument);
  if (s.rank() == 4) {
    Tensor tensor({s[0], s[2], s[3], s[1]});
    from_nchw(from, tensor.view());
    return tensor;
  }
  require(s.rank() >= 1 && s.rank() <= 3, "case ", id_, ": ", argument,
          ": expected 1 to 4 dimensions, got shape ", s);
  const std::int64_t columns = s[s.rank() - 1];
  const std::int64_t rows = s.rank() > 1 ? s[s.rank() - 2] : 1;
  Tensor tensor({s.rank() > 2 ? s[0] : 1, 1, rows, columns});
  copy(ConstView(from.data(), tensor.shape()), tensor.view());
  return tensor;
}

AuditAddends::AuditAddends(const AuditCase& which) {
  if (which.has("before")) before_ = which.tensor("before");
  if (which.has("after")) after_ = which.tensor("after");
}

Addends AuditAddends::views() const {
  Addends addends;
  if (before_) addends.before = before_->view();
  if (after_) addends.after = after_->view();
  return addends;
}

void AuditResults::add_nchw(const AuditCase& which, const char* name, ConstView view) {
  const Nhwc& s = view.shape;
  std::vector<float> values(static_cast<std::size_t>(s.count()));
  to_nchw(view, values);
  add(which, name, {s.n, s.c, s.h, s.w}, values);
}

void AuditResults::add(const AuditCase& which, const char* name, const Shape& shape,
                       std::span<const float> values) {
  keep(which, name, Dtype::float32, shape, std::as_bytes(values));
}

void AuditResults::add(const AuditCase& which, const char* name, const Shape& shape,
                       std::span<const std::int64_t> values) {
  keep(which, name, Dtype::int64, shape, std::as_bytes(values));
}

void AuditResults::keep(const AuditCase& which, const char* name, Dtype dtype, const Shape& shape,
                        std::span<const std::byte> bytes) {
  bytes_.emplace_back(bytes.begin(), bytes.end());
  tensors_.push_back({text_of(which.id(), ".", name), dtype, shape, bytes_.back()});
}

void AuditResults::write(const std::filesystem::path& path) const {
  write_safetensors(path, tensors_);
}

}  // namespace hewn::audit
