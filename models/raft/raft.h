// RAFT: dense optical flow by recurrent lookups in all-pairs correlations.
// Teed and Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", 2020.
#pragma once

#include "hewn/models/layers/layer_source.h"
#include "hewn/models/raft/encoder.h"
#include "hewn/models/raft/update_block.h"
#include "hewn/models/raft/variant.h"
#include "hewn/ops/correlation/correlation.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace hewn {

/// RAFT or RAFT-small.
class Raft {
 public:
  /// The flow is computed for cells of 8 × 8 pixels, and then upsampled.
  static constexpr std::int64_t kCell = 8;
  /// Where the last level of the correlation pyramid is one cell.
  static constexpr std::int64_t kMinSide = kCell << (kRaftLevels - 1);

  /// How many iterations, from where, and who watches.
  struct Options {
    std::int64_t iterations = 20;  ///< ≥ 1
    CorrelationForm correlation = CorrelationForm::all_pairs;
    /// The flow_low to start from, {n, h/8, w/8, 2}; absent: no motion.
    std::optional<ConstView> initial_flow = std::nullopt;
    /// Called after each iteration, counted from 0, with its flow_low and flow, which die with the
    /// call. It costs an upsampling each time.
    std::function<void(std::int64_t iteration, ConstView flow_low, ConstView flow)> observer = {};
    /// Called after each iteration with how many are done.
    std::function<void(std::int64_t done)> progress = {};
  };

  /// From the first picture to the second, x before y. The views live in the arena of the Context.
  struct Output {
    View flow_low;  ///< {n, h/8, w/8, 2}, in cells
    View flow;      ///< {n, h, w, 2}, in pixels
  };

  /// Packs the weights of a file made by weights_tools.convert, large or small. Throws Error,
  /// naming file and tensor, when it holds another model, or a tensor is missing, left over or of
  /// another shape.
  explicit Raft(const SafetensorsFile& file, Conv2dPacking packing = Conv2dPacking::any);

  /// Weights drawn at random, for trying the program without a weights file: each iteration moves
  /// the flow by a few tenths of a cell.
  static Raft random(const RaftVariant& variant, std::uint64_t seed,
                     Conv2dPacking packing = Conv2dPacking::any);

  /// Runs the network on RGB values in [0, 1], {n, h, w, 3} each, both sides multiples of 8 and at
  /// least kMinSide. Throws Error for another shape or number of iterations. Traced are "input",
  /// both pictures' images; the encoders' layers, fnet's of both; and of every iteration, from 0
  /// on, "0.correlation", "0.motion", "0.hidden", "0.flow_low" and, where its flow is upsampled by
  /// convex combinations, the logits "0.mask". Thread-safe with one Context a thread. The caller
  /// holds an Arena::Scope around this and all use of the output. The bits depend on neither
  /// threads nor instruction set.
  Output forward(ConstView image1, ConstView image2, const Options& options, Context& ctx) const;

  const RaftVariant& variant() const { return variant_; }  ///< which of the two it is

  /// all_pairs where that takes at most `budget` bytes for pictures of h × w pixels, which are as
  /// forward() needs them; else on_demand.
  CorrelationForm correlation_within(std::int64_t budget, std::int64_t h, std::int64_t w) const;

 private:
  explicit Raft(FileLayers layers);
  Raft(LayerSource& layers, const RaftVariant& variant);

  CorrelationParams correlation_params(CorrelationForm form) const;
  Correlation correlate(ConstView image1, ConstView image2, CorrelationForm form,
                        Context& ctx) const;
  void upsample(const UpdateBlock::State& state, ConstView flow_low, View flow, Context& ctx) const;

  RaftVariant variant_;
  RaftEncoder fnet_;
  RaftEncoder cnet_;
  UpdateBlock update_block_;
};

}  // namespace hewn
