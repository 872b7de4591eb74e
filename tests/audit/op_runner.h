// What `hewn_op_runner` offers to the adapters that call one operator each.
//
// The program computes random cases that weights_tools.audit compares with PyTorch:
//
//     hewn_op_runner IN.safetensors OUT.safetensors [--threads N]
//
// IN's metadata has the key `cases`, a JSON array of {"id", "op", "params"}, and holds the
// arguments as float32 tensors named `<id>.<argument>`; OUT gets `<id>.y`, and more where an
// operator has several results. All of it in PyTorch's layouts. To add an operator, write
// `<op>.cpp` with a function run_<op> beside this file, declare it at the end of this one, and list
// it in op_runner.cpp.
#pragma once

#include "hewn/ops/activation/activation.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/tensor.h"

#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace hewn::audit {

/// One call of an operator. What the caller asks for and is missing, or is of another kind, throws
/// Error, naming the case.
class AuditCase {
 public:
  AuditCase(std::string id, std::string op, nlohmann::json params, const SafetensorsFile& file);

  const std::string& id() const { return id_; }
  const std::string& op() const { return op_; }

  /// Parameters. A pair is the vertical before the horizontal, as in PyTorch.
  bool has_param(const char* name) const { return params_.contains(name); }
  std::int64_t integer(const char* name) const;
  double number(const char* name) const;
  bool flag(const char* name) const;
  std::string text(const char* name) const;
  std::array<std::int64_t, 2> integer_pair(const char* name) const;
  std::array<double, 2> number_pair(const char* name) const;
  std::vector<std::int32_t> integers(const char* name) const;
  /// The parameter `name` and `negative_slope`; none where there is no such parameter.
  Activation activation(const char* name = "activation") const;

  /// Arguments. As PyTorch has them: row-major values, aligned, and their shape.
  bool has(const char* argument) const;
  const Shape& shape(const char* argument) const { return entry(argument).shape; }
  std::vector<float> values(const char* argument) const;
  /// The same where the argument is there, else nothing.
  std::vector<float> values_or_none(const char* argument) const;
  /// As an activation: (N, C, H, W) becomes {n, h, w, c}; (B, M, K) becomes {b, 1, m, k}; (M, K)
  /// becomes {1, 1, m, k}, and (C) becomes {1, 1, 1, c}.
  Tensor tensor(const char* argument) const;

 private:
  template <typename Value>
  Value param(const char* name) const;
  const TensorEntry& entry(const char* argument) const;

  std::string id_;
  std::string op_;
  nlohmann::json params_;
  const SafetensorsFile& file_;
};

/// The arguments `before` and `after` of an operator with a fused activation, each where the case
/// has it. Owns what its views look at.
class AuditAddends {
 public:
  explicit AuditAddends(const AuditCase& which);
  Addends views() const;

 private:
  std::optional<Tensor> before_;
  std::optional<Tensor> after_;
};

/// The results of all cases, kept until they are written together.
class AuditResults {
 public:
  /// {n, h, w, c} as a tensor (N, C, H, W).
  void add_nchw(const AuditCase& which, const char* name, ConstView view);
  /// Row-major values of any shape; a view's are those of its NHWC order.
  void add(const AuditCase& which, const char* name, const Shape& shape,
           std::span<const float> values);
  void add(const AuditCase& which, const char* name, const Shape& shape,
           std::span<const std::int64_t> values);
  /// Throws Error as write_safetensors() does.
  void write(const std::filesystem::path& path) const;

 private:
  void keep(const AuditCase& which, const char* name, Dtype dtype, const Shape& shape,
            std::span<const std::byte> bytes);

  std::deque<std::vector<std::byte>> bytes_;  // what tensors_ points to: stays where it is
  std::vector<TensorToWrite> tensors_;
};

void run_attention(const AuditCase& which, AuditResults& results, Context& ctx);
void run_avg_pool2d(const AuditCase& which, AuditResults& results, Context& ctx);
void run_binary(const AuditCase& which, AuditResults& results, Context& ctx);
void run_concat(const AuditCase& which, AuditResults& results, Context& ctx);
void run_conv2d(const AuditCase& which, AuditResults& results, Context& ctx);
void run_conv_gru(const AuditCase& which, AuditResults& results, Context& ctx);
void run_conv_transpose2d(const AuditCase& which, AuditResults& results, Context& ctx);
void run_convex_upsample(const AuditCase& which, AuditResults& results, Context& ctx);
void run_correlation(const AuditCase& which, AuditResults& results, Context& ctx);
void run_depth_to_space(const AuditCase& which, AuditResults& results, Context& ctx);
void run_grid_sample(const AuditCase& which, AuditResults& results, Context& ctx);
void run_gru(const AuditCase& which, AuditResults& results, Context& ctx);
void run_gru_cell(const AuditCase& which, AuditResults& results, Context& ctx);
void run_instance_norm(const AuditCase& which, AuditResults& results, Context& ctx);
void run_l2_normalize(const AuditCase& which, AuditResults& results, Context& ctx);
void run_layer_norm(const AuditCase& which, AuditResults& results, Context& ctx);
void run_linear(const AuditCase& which, AuditResults& results, Context& ctx);
void run_matmul(const AuditCase& which, AuditResults& results, Context& ctx);
void run_max_pool2d(const AuditCase& which, AuditResults& results, Context& ctx);
void run_resize(const AuditCase& which, AuditResults& results, Context& ctx);
void run_slice(const AuditCase& which, AuditResults& results, Context& ctx);
void run_softmax(const AuditCase& which, AuditResults& results, Context& ctx);
void run_topk(const AuditCase& which, AuditResults& results, Context& ctx);
void run_tree_attention(const AuditCase& which, AuditResults& results, Context& ctx);
void run_unary(const AuditCase& which, AuditResults& results, Context& ctx);

}  // namespace hewn::audit
