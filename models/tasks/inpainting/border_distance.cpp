#include "hewn/models/tasks/inpainting/border_distance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <tuple>

namespace hewn {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A front that moves over the pixels of one side of the border.
class March {
 public:
  /// `inside`: whether the front moves into the hole or away from it.
  March(const Hole& hole, bool inside)
      : hole_(hole),
        inside_(inside),
        distance_(static_cast<std::size_t>(hole.pixels()), kInfinity),
        settled_(static_cast<std::size_t>(hole.pixels())) {}

  /// Moves from the known pixels beside the hole, settled in the order in which pixels come, until
  /// all within `limit` are.
  void run(double limit) {
    for (std::int64_t i = 0; i < hole_.pixels(); ++i) {
      if (at_border(i)) offer(i, 0);
    }
    while (!front_.empty() && front_.top().distance <= limit) {
      const std::int64_t pixel = front_.top().pixel;
      front_.pop();
      if (settled_[index(pixel)] != 0) continue;  // it was here before, nearer
      settled_[index(pixel)] = 1;
      order_.push_back(pixel);
      for_each_neighbour(hole_, pixel, [&](std::int64_t neighbour) {
        if (hole_.contains(neighbour) != inside_ || settled_[index(neighbour)] != 0) return;
        offer(neighbour, solve(neighbour));
      });
    }
  }

  const std::vector<std::int64_t>& order() const { return order_; }
  double distance(std::int64_t pixel) const { return distance_[index(pixel)]; }

 private:
  struct Candidate {
    double distance;
    std::int64_t turn;  // makes the order one
    std::int64_t pixel;
    /// Whether it comes later.
    bool operator<(const Candidate& other) const {
      return std::tie(distance, turn) > std::tie(other.distance, other.turn);
    }
  };

  static std::size_t index(std::int64_t pixel) { return static_cast<std::size_t>(pixel); }

  bool at_border(std::int64_t pixel) const {
    bool touches = false;
    if (hole_.contains(pixel)) return false;
    for_each_neighbour(hole_, pixel,
                       [&](std::int64_t n) { touches = touches || hole_.contains(n); });
    return touches;
  }

  void offer(std::int64_t pixel, double distance) {
    if (!(distance < distance_[index(pixel)])) return;
    distance_[index(pixel)] = distance;
    front_.push({distance, turn_++, pixel});
  }

  /// The root of (T − a)² + (T − b)² = 1 above both, a and b the smaller settled neighbours in x
  /// and in y; of (T − a)² = 1 alone where b lies beyond it.
  double solve(std::int64_t pixel) const {
    double in_x = kInfinity;
    double in_y = kInfinity;
    for_each_neighbour(hole_, pixel, [&](std::int64_t neighbour) {
      if (settled_[index(neighbour)] == 0) return;
      const bool same_row = std::abs(neighbour - pixel) == 1 && hole_.w > 1;
      double& nearest = same_row ? in_x : in_y;
      nearest = std::min(nearest, distance_[index(neighbour)]);
    });
    const double a = std::min(in_x, in_y);
    const double apart = std::max(in_x, in_y) - a;
    return apart < 1 ? a + (apart + std::sqrt(2 - apart * apart)) / 2 : a + 1;
  }

  const Hole& hole_;
  bool inside_;
  std::vector<double> distance_;
  std::vector<std::uint8_t> settled_;
  std::vector<std::int64_t> order_;
  std::priority_queue<Candidate> front_;
  std::int64_t turn_ = 0;
};

}  // namespace

BorderDistance border_distance(const Hole& hole, double radius) {
  BorderDistance result;
  result.distance.assign(static_cast<std::size_t>(hole.pixels()), -kInfinity);
  {
    // A pixel within the radius is at most √2 times as many steps away, each of which adds at most
    // 1 to the distance.
    March outward(hole, false);
    outward.run(std::sqrt(2.0) * radius);
    for (const std::int64_t pixel : outward.order()) {
      result.distance[static_cast<std::size_t>(pixel)] = -outward.distance(pixel);
    }
  }
  March inward(hole, true);
  inward.run(kInfinity);
  result.order.reserve(static_cast<std::size_t>(hole.count));
  for (const std::int64_t pixel : inward.order()) {
    if (!hole.contains(pixel)) continue;
    result.distance[static_cast<std::size_t>(pixel)] = inward.distance(pixel);
    result.order.push_back(pixel);
  }
  return result;
}

}  // namespace hewn
