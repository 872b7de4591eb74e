// What layers compute on the way, shown to whoever asks, piece by piece as it comes to be.
#pragma once

#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace hewn {

/// A part of a layer's output: some images of a batch, or a window of their rows and columns.
struct TracePiece {
  std::string_view layer;   ///< its name
  ConstView values;         ///< the part itself
  Nhwc whole;               ///< the shape of the layer's output, of the whole batch
  std::int64_t image = 0;   ///< where the values begin in it
  std::int64_t row = 0;     ///< likewise
  std::int64_t column = 0;  ///< likewise
};

/// Called with every piece, on the thread that has computed it, one piece at a time. Name and
/// values die with the call. It must not throw.
using TraceSink = std::function<void(const TracePiece&)>;

/// Shows a Context's sink what layers compute, and never has a say in what is computed, or in
/// which order. A layer's pieces cover its output; where they overlap, their bits are the same.
/// What fused operators never hold, as a map before its pooling, is not shown.
class Tracer {
 public:
  /// Of a Context that works for another one, whose sink is told. `parent` must outlive it.
  explicit Tracer(const Tracer* parent = nullptr) : parent_(parent) {}
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// Whether anyone listens, so that names and the like are made only then.
  bool on() const { return static_cast<bool>(root().sink_); }

  /// Shows whole images of a layer's output.
  void show(std::string_view layer, ConstView output) const {
    show(layer, output, output.shape, 0, 0);
  }
  /// Shows a window that begins at (row, column) of the layer's output for as many images, whose
  /// shape is `map`.
  void show(std::string_view layer, ConstView window, const Nhwc& map, std::int64_t row,
            std::int64_t column) const;

 private:
  friend class TraceScope;
  friend class TracedPart;

  /// Which part of the network's work is being done.
  struct Part {
    std::int64_t image = 0;       // the first of the images at work
    std::int64_t images = 0;      // of the whole batch; 0: as many as are at work
    std::int64_t iteration = -1;  // counted from 0; −1: none

    /// Another part of this one.
    Part of(const Part& inner) const;
  };

  const Tracer& root() const { return parent_ == nullptr ? *this : parent_->root(); }
  Part part() const { return parent_ == nullptr ? part_ : parent_->part().of(part_); }

  const Tracer* parent_;
  TraceSink sink_;
  Part part_;
  mutable std::mutex mutex_;  // one piece at a time
};

/// Traces while it lives. An empty sink is none.
class [[nodiscard]] TraceScope {
 public:
  /// To `sink` in place of the sink that there was, which comes back in the end. The tracer must
  /// outlive this, and nothing may run while it begins or ends.
  TraceScope(Tracer& tracer, TraceSink sink);
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

 private:
  Tracer& tracer_;
  TraceSink before_;
};

/// Says, while it lives, of what the layers that run are a part, so that they need not know. Parts
/// nest.
class [[nodiscard]] TracedPart {
 public:
  /// The images at work are those from `first` on of a batch of `count`.
  static TracedPart images(Tracer& tracer, std::int64_t first, std::int64_t count) {
    return {tracer, {.image = first, .images = count}};
  }
  /// Layer "flow" is called "3.flow" in iteration 3.
  static TracedPart iteration(Tracer& tracer, std::int64_t iteration) {
    return {tracer, {.iteration = iteration}};
  }
  ~TracedPart() { tracer_.part_ = before_; }
  TracedPart(const TracedPart&) = delete;
  TracedPart& operator=(const TracedPart&) = delete;

 private:
  TracedPart(Tracer& tracer, const Tracer::Part& part) : tracer_(tracer), before_(tracer.part_) {
    tracer.part_ = before_.of(part);
  }

  Tracer& tracer_;
  Tracer::Part before_;
};

/// A layer's whole output.
struct TracedLayer {
  std::string name;  ///< as the trace shows it
  Tensor values;     ///< all of them
};

/// Puts the pieces of layers together.
class TracedLayers {
 public:
  /// A sink that collects here. This must outlive it, and stay where it is.
  TraceSink sink() {
    return [this](const TracePiece& piece) { add(piece); };
  }

  /// The layers in the order in which they began, which are gone from here then. Throws Error,
  /// naming the layer, when a part of it is missing, or came twice with different bits, or when
  /// its pieces are of different wholes.
  std::vector<TracedLayer> take();

 private:
  struct Layer {
    TracedLayer whole;
    std::vector<bool> there;  // each pixel
  };

  void add(const TracePiece& piece);
  static bool put(const TracePiece& piece, Layer& layer);

  std::vector<Layer> layers_;
  std::string complaint_;  // the first
};

}  // namespace hewn
