// From two pictures to the flow between them.
#pragma once

#include "hewn/models/raft/raft.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <filesystem>
#include <optional>

#include "app/options/flow_options.h"
#include "app/output/tensor_dump.h"

namespace hewn::app {

struct PairOptions {
  FlowOptions flow;
  RaftPaddingWay padding = RaftPaddingWay::sintel;
  /// Whether `outputs` gets the flow after every iteration too.
  bool all_iterations = false;
};

/// What the network found between two pictures.
struct PairFlow {
  Tensor flow;      ///< {1, h, w, 2}, in pixels of the pictures
  Tensor flow_low;  ///< {1, h/8, w/8, 2} of the padded picture, in cells of 8 × 8 pixels
  CorrelationForm correlation = CorrelationForm::all_pairs;  ///< which form was used
};

/// A picture as the network takes it.
struct PaddedPicture {
  std::int64_t h = 0, w = 0;  ///< without the padding
  Tensor padded;              ///< {1, h + padding, w + padding, 3}, values in [0, 1]
};

/// Reads and pads a picture. Throws Error, naming the file, when it is no picture or too small for
/// the network.
PaddedPicture read_padded(const std::filesystem::path& path, RaftPaddingWay way);

/// The flow from one picture to another of the same size. `initial_low` is a flow_low to start
/// from. Progress is told in iterations.
PairFlow compute_flow(const Raft& model, const PaddedPicture& first, const PaddedPicture& second,
                      const std::optional<ConstView>& initial_low, const PairOptions& options,
                      Context& ctx, const Sinks& sinks);

/// The size of flow_low for a picture of h × w pixels.
Nhwc flow_low_shape(std::int64_t h, std::int64_t w);

}  // namespace hewn::app
