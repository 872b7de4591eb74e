#include "hewn/models/tasks/optical_flow/warm_start.h"

#include "hewn/models/tasks/optical_flow/flow_field.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace hewn {

namespace {

/// x and y.
using Coordinates = std::array<double, 2>;

/// Where a pixel's vector landed, and which pixel that was.
struct Landed {
  Coordinates at{};
  std::int64_t source = 0;
};

double square(double x) { return x * x; }

double squared_distance(const Coordinates& a, const Coordinates& b) {
  return square(a[0] - b[0]) + square(a[1] - b[1]);
}

/// Those that land within the picture. Of several in one place only the first can ever be chosen.
std::vector<Landed> land(ConstView flow) {
  const auto w = static_cast<double>(flow.shape.w);
  const auto h = static_cast<double>(flow.shape.h);
  std::vector<Landed> points;
  for (std::int64_t y = 0; y < flow.shape.h; ++y) {
    for (std::int64_t x = 0; x < flow.shape.w; ++x) {
      const float* vector = flow.pixel(0, y, x);
      const Coordinates at{static_cast<double>(x) + vector[0], static_cast<double>(y) + vector[1]};
      const bool within = at[0] > 0 && at[0] < w && at[1] > 0 && at[1] < h;  // NaN is not
      if (within) points.push_back({at, y * flow.shape.w + x});
    }
  }
  std::ranges::sort(points, [](const Landed& a, const Landed& b) {
    return std::tie(a.at, a.source) < std::tie(b.at, b.source);
  });
  const auto in_one_place = [](const Landed& a, const Landed& b) { return a.at == b.at; };
  points.erase(std::unique(points.begin(), points.end(), in_one_place), points.end());
  return points;
}

/// The smallest rectangle around some points.
struct Bounds {
  Coordinates low{std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  Coordinates high{-std::numeric_limits<double>::infinity(),
                   -std::numeric_limits<double>::infinity()};

  explicit Bounds(std::span<const Landed> points) {
    for (const Landed& point : points) {
      for (std::size_t axis = 0; axis < 2; ++axis) {
        low[axis] = std::min(low[axis], point.at[axis]);
        high[axis] = std::max(high[axis], point.at[axis]);
      }
    }
  }

  std::size_t longer_axis() const { return high[1] - low[1] > high[0] - low[0] ? 1 : 0; }

  /// At most the computed distance of any point inside: rounding keeps the order of numbers.
  double squared_distance(const Coordinates& from) const {
    const auto beyond = [&](std::size_t axis) {
      return std::max({low[axis] - from[axis], 0.0, from[axis] - high[axis]});
    };
    return square(beyond(0)) + square(beyond(1));
  }
};

/// A k-d tree (Bentley, "Multidimensional binary search trees used for associative searching",
/// 1975). Unlike a grid of buckets it minds neither crowds nor deserts, and flow makes both.
class NearestPoint {
 public:
  explicit NearestPoint(std::vector<Landed> points) : points_(std::move(points)) {
    if (!points_.empty()) build(0, points_.size());
  }

  bool empty() const { return points_.empty(); }

  /// The point nearest to `place`, the smallest source among equals. `guess` is any of the points;
  /// a near one saves time. There is at least one point.
  Landed nearest(const Coordinates& place, const Landed& guess) const {
    Search search{place, guess, squared_distance(guess.at, place)};
    visit(0, search);
    return search.best;
  }

  const Landed& any() const { return points_.front(); }

 private:
  static constexpr std::size_t kLeaf = 8;

  /// Points [begin, end), in two children unless there are few. The first child is the next node.
  struct Node {
    Bounds bounds;
    std::size_t begin;
    std::size_t end;
    std::size_t second_child;  // 0 for a leaf
  };

  struct Search {
    Coordinates place;
    Landed best;
    double squared;

    void offer(const Landed& point) {
      const double distance = squared_distance(point.at, place);
      if (std::tie(distance, point.source) < std::tie(squared, best.source)) {
        best = point;
        squared = distance;
      }
    }
  };

  void build(std::size_t begin, std::size_t end) {
    const auto points = std::span(points_).subspan(begin, end - begin);
    const std::size_t self = nodes_.size();
    nodes_.push_back({Bounds(points), begin, end, 0});
    if (points.size() <= kLeaf) return;
    const std::size_t axis = nodes_[self].bounds.longer_axis();
    const auto half = static_cast<std::ptrdiff_t>(points.size() / 2);
    std::ranges::nth_element(points, points.begin() + half, {},
                             [axis](const Landed& point) { return point.at[axis]; });
    const std::size_t middle = begin + points.size() / 2;
    build(begin, middle);
    nodes_[self].second_child = nodes_.size();
    build(middle, end);
  }

  void visit(std::size_t index, Search& search) const {
    const Node& node = nodes_[index];
    if (node.second_child == 0) {
      for (std::size_t i = node.begin; i < node.end; ++i) search.offer(points_[i]);
      return;
    }
    std::array<std::size_t, 2> children{index + 1, node.second_child};
    std::array<double, 2> least{nodes_[children[0]].bounds.squared_distance(search.place),
                                nodes_[children[1]].bounds.squared_distance(search.place)};
    if (least[1] < least[0]) {
      std::swap(children[0], children[1]);
      std::swap(least[0], least[1]);
    }
    // At equal distance there may be a smaller source.
    for (std::size_t i = 0; i < 2; ++i) {
      if (least[i] <= search.squared) visit(children[i], search);
    }
  }

  std::vector<Landed> points_;
  std::vector<Node> nodes_;
};

}  // namespace

void forward_project(ConstView flow, View projected) {
  require_flow("forward_project", flow);
  require(projected.shape == flow.shape, "forward_project: expected a result of ", flow.shape,
          ", got ", projected.shape);
  const NearestPoint points(land(flow));
  if (points.empty()) {
    fill(projected, 0);
    return;
  }
  Landed nearest = points.any();
  for (std::int64_t y = 0; y < flow.shape.h; ++y) {
    for (std::int64_t x = 0; x < flow.shape.w; ++x) {
      // The neighbour's answer is a good guess.
      nearest = points.nearest({static_cast<double>(x), static_cast<double>(y)}, nearest);
      std::copy_n(flow.pixel(0, 0, nearest.source), 2, projected.pixel(0, y, x));
    }
  }
}

}  // namespace hewn
