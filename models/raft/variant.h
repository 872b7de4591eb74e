// The two published networks, and what sets them apart.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace hewn {

/// RAFT or RAFT-small (Teed and Deng, 2020, appendix; the numbers are those of the public
/// checkpoints).
struct RaftVariant {
  std::string_view name;
  bool large;                            ///< else bottlenecks, one ConvGRU, bilinear upsampling
  std::array<std::int64_t, 3> channels;  ///< of the encoders' three stages
  std::int64_t features;                 ///< of the feature encoder
  std::int64_t hidden;                   ///< of the recurrent unit's state
  std::int64_t context;                  ///< of the context encoder, beside the first hidden state
  std::int64_t motion;                   ///< of the motion encoder, the flow's two included
  std::int64_t radius;                   ///< of the correlation lookup
};

/// RAFT: 5.3 million parameters.
inline constexpr RaftVariant kRaftLarge{.name = "large",
                                        .large = true,
                                        .channels = {64, 96, 128},
                                        .features = 256,
                                        .hidden = 128,
                                        .context = 128,
                                        .motion = 128,
                                        .radius = 4};
/// RAFT-small: 1.0 million.
inline constexpr RaftVariant kRaftSmall{.name = "small",
                                        .large = false,
                                        .channels = {32, 64, 96},
                                        .features = 128,
                                        .hidden = 96,
                                        .context = 64,
                                        .motion = 82,
                                        .radius = 3};

/// Of the correlation pyramid.
inline constexpr std::int64_t kRaftLevels = 4;

}  // namespace hewn
