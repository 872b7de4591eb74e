#include "hewn/runtime/observe/trace.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace hewn {

Tracer::Part Tracer::Part::of(const Part& inner) const {
  return {.image = image + inner.image,
          .images = images > 0 ? images : inner.images,
          .iteration = inner.iteration >= 0 ? inner.iteration : iteration};
}

void Tracer::show(std::string_view layer, ConstView window, const Nhwc& map, std::int64_t row,
                  std::int64_t column) const {
  if (!on()) return;
  const Part at = part();
  const std::string name =
      at.iteration < 0 ? std::string(layer) : text_of(at.iteration, ".", layer);
  const std::int64_t images = at.images > 0 ? at.images : map.n;
  const Tracer& to = root();
  const std::scoped_lock lock(to.mutex_);
  to.sink_({.layer = name,
            .values = window,
            .whole = {images, map.h, map.w, map.c},
            .image = at.image,
            .row = row,
            .column = column});
}

TraceScope::TraceScope(Tracer& tracer, TraceSink sink)
    : tracer_(tracer), before_(std::exchange(tracer.sink_, std::move(sink))) {}

TraceScope::~TraceScope() { tracer_.sink_ = std::move(before_); }

void TracedLayers::add(const TracePiece& piece) {
  if (!complaint_.empty()) return;
  auto layer = std::ranges::find_if(
      layers_, [&](const Layer& known) { return known.whole.name == piece.layer; });
  if (layer == layers_.end()) {
    layer = layers_.insert(
        layer, {.whole = {std::string(piece.layer), Tensor(piece.whole)},
                .there = std::vector<bool>(static_cast<std::size_t>(piece.whole.pixels()))});
  }
  const Nhwc& whole = layer->whole.values.shape();
  const Nhwc& s = piece.values.shape;
  if (piece.whole != whole) {
    complaint_ =
        text_of("trace: ", piece.layer, ": a part of ", whole, ", then one of ", piece.whole);
  } else if (s.c != whole.c || piece.image + s.n > whole.n || piece.row + s.h > whole.h ||
             piece.column + s.w > whole.w) {
    complaint_ = text_of("trace: ", piece.layer, ": a part of ", s, " that is not one of ", whole);
  } else if (!put(piece, *layer)) {
    complaint_ = text_of("trace: ", piece.layer, ": came twice, with different values");
  }
}

/// Whether what was there already is the same.
bool TracedLayers::put(const TracePiece& piece, Layer& layer) {
  const Nhwc& s = piece.values.shape;
  const Nhwc& whole = piece.whole;
  const std::size_t bytes = static_cast<std::size_t>(s.c) * sizeof(float);
  for (std::int64_t i = 0; i < s.pixels(); ++i) {
    const std::int64_t n = i / (s.h * s.w);
    const std::int64_t y = i / s.w % s.h;
    const std::int64_t x = i % s.w;
    const std::int64_t image = piece.image + n;
    const std::int64_t row = piece.row + y;
    const std::int64_t column = piece.column + x;
    const auto at = static_cast<std::size_t>((image * whole.h + row) * whole.w + column);
    const float* from = piece.values.pixel(n, y, x);
    float* to = layer.whole.values.view().pixel(image, row, column);
    if (!layer.there[at]) {
      std::memcpy(to, from, bytes);
      layer.there[at] = true;
    } else if (std::memcmp(to, from, bytes) != 0) {
      return false;
    }
  }
  return true;
}

std::vector<TracedLayer> TracedLayers::take() {
  if (!complaint_.empty()) fail(complaint_);
  std::vector<TracedLayer> layers;
  for (Layer& layer : std::exchange(layers_, {})) {
    const auto missing = std::ranges::count(layer.there, false);
    require(missing == 0, "trace: ", layer.whole.name, ": ", missing, " of ", layer.there.size(),
            " pixels of ", layer.whole.values.shape(), " are missing");
    layers.push_back(std::move(layer.whole));
  }
  return layers;
}

}  // namespace hewn
