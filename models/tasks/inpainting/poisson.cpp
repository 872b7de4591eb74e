#include "hewn/models/tasks/inpainting/poisson.h"

#include "hewn/models/tasks/inpainting/hole.h"
#include "hewn/models/tasks/inpainting/multigrid.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include <Eigen/SparseCholesky>

namespace hewn {

namespace {

using Eigen::VectorXd;

/// From here on multigrid is the faster.
constexpr std::int64_t kMultigridFrom = 40'000;

/// What conjugate gradients stop at: a tenth of what is promised, which leaves room for what the
/// residual that they track loses to rounding.
constexpr double kTolerance = 1e-10;
constexpr double kLargestResidual = 1e-9;
/// Multigrid needs 20 at most, on everything tried.
constexpr std::int64_t kMaxIterations = 500;

/// The equations of a region: which unknown is which pixel, and the matrix.
class System {
 public:
  explicit System(Hole region) : region_(std::move(region)), numbers_(region_.inside.size(), -1) {
    for (std::int64_t i = 0; i < region_.pixels(); ++i) {
      if (!region_.contains(i)) continue;
      numbers_[static_cast<std::size_t>(i)] = static_cast<int>(pixels_.size());
      pixels_.push_back(i);
    }
  }

  /// The pixel of each unknown.
  const std::vector<std::int64_t>& pixels() const { return pixels_; }

  /// As many as a pixel has neighbours on the diagonal, −1 for each that is unknown too.
  SparseMatrix matrix() const {
    const auto n = static_cast<Eigen::Index>(pixels_.size());
    SparseMatrix a(n, n);
    a.reserve(5 * n);
    for (Eigen::Index i = 0; i < n; ++i) {
      const std::int64_t pixel = pixels_[static_cast<std::size_t>(i)];
      int neighbours = 0;
      for_each_neighbour(region_, pixel, [&](std::int64_t) { ++neighbours; });
      a.startVec(i);
      bool diagonal_written = false;
      const auto write_diagonal = [&] {
        if (!std::exchange(diagonal_written, true)) a.insertBack(i, i) = neighbours;
      };
      for_each_neighbour(region_, pixel, [&](std::int64_t neighbour) {
        if (neighbour > pixel) write_diagonal();
        if (region_.contains(neighbour)) a.insertBack(i, number(neighbour)) = -1;
      });
      write_diagonal();
    }
    a.finalize();
    return a;
  }

  /// Destination less source, summed over the known neighbours of each unknown.
  VectorXd right_hand_side(ConstView source, ConstView destination, std::int64_t channel) const {
    VectorXd b = VectorXd::Zero(static_cast<Eigen::Index>(pixels_.size()));
    for (Eigen::Index i = 0; i < b.size(); ++i) {
      for_each_neighbour(region_, pixels_[static_cast<std::size_t>(i)], [&](std::int64_t q) {
        if (region_.contains(q)) return;
        b[i] += static_cast<double>(destination.pixel(0, 0, q)[channel]) -
                static_cast<double>(source.pixel(0, 0, q)[channel]);
      });
    }
    return b;
  }

  std::vector<GridPlace> places() const {
    std::vector<GridPlace> places;
    places.reserve(pixels_.size());
    for (const std::int64_t pixel : pixels_) {
      places.push_back({static_cast<int>(pixel / region_.w), static_cast<int>(pixel % region_.w)});
    }
    return places;
  }

 private:
  int number(std::int64_t pixel) const { return numbers_[static_cast<std::size_t>(pixel)]; }

  Hole region_;
  std::vector<int> numbers_;  // of each pixel's unknown; −1 outside of the region
  std::vector<std::int64_t> pixels_;
};

double relative_residual(const SparseMatrix& a, const VectorXd& u, const VectorXd& b) {
  const double size = b.norm();
  return size == 0 ? 0 : (b - a * u).norm() / size;
}

/// What each channel comes to; one channel is the work of one thread.
struct Channel {
  VectorXd u;
  std::int64_t iterations = 0;
  double residual = 0;
  std::exception_ptr failure;
};

/// solve(b) → {u, iterations}.
template <typename Solve>
std::vector<Channel> solve_channels(const System& system, const SparseMatrix& a, ConstView source,
                                    ConstView destination, Context& ctx, const Solve& solve) {
  std::vector<Channel> channels(static_cast<std::size_t>(source.shape.c));
  parallel_for(ctx, source.shape.c, 1, [&](std::int64_t begin, std::int64_t end, int /*worker*/) {
    for (std::int64_t c = begin; c < end; ++c) {
      Channel& channel = channels[static_cast<std::size_t>(c)];
      try {
        const VectorXd b = system.right_hand_side(source, destination, c);
        auto solution = solve(b);
        channel.u = std::move(solution.x);
        channel.iterations = solution.iterations;
        channel.residual = relative_residual(a, channel.u, b);
      } catch (...) {
        channel.failure = std::current_exception();  // a body must not throw
      }
    }
  });
  for (const Channel& channel : channels) {
    if (channel.failure) std::rethrow_exception(channel.failure);
  }
  return channels;
}

std::vector<Channel> solve_directly(const System& system, ConstView source, ConstView destination,
                                    Context& ctx) {
  const SparseMatrix a = system.matrix();
  const Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> factors(a);
  require(factors.info() == Eigen::Success, "blend_poisson: expected a factorisation of ", a.rows(),
          " equations, got none");
  return solve_channels(system, a, source, destination, ctx, [&](const VectorXd& b) {
    return Multigrid::Solution{factors.solve(b), 0};
  });
}

std::vector<Channel> solve_by_multigrid(const System& system, ConstView source,
                                        ConstView destination, Context& ctx) {
  const Multigrid multigrid(system.matrix(), system.places());
  return solve_channels(
      system, multigrid.matrix(), source, destination, ctx,
      [&](const VectorXd& b) { return multigrid.solve(b, kTolerance, kMaxIterations); });
}

void check(ConstView source, ConstView destination, ConstView y) {
  require(destination.shape == source.shape, "blend_poisson: expected a destination of ",
          source.shape, ", got ", destination.shape);
  require(y.shape == source.shape, "blend_poisson: expected a result of ", source.shape, ", got ",
          y.shape);
}

}  // namespace

PoissonSolution blend_poisson(ConstView source, ConstView destination, ConstView region, View y,
                              Context& ctx, std::optional<PoissonMethod> method) {
  Hole hole = hole_of("blend_poisson", source, region);
  check(source, destination, y);
  PoissonSolution result{.unknowns = hole.count};
  if (hole.full() || hole.count == 0) {
    copy(hole.count == 0 ? destination : source, y);
    return result;
  }
  // A row of the matrix has at most five numbers, and their indices are int.
  require(hole.count <= std::numeric_limits<int>::max() / 5,
          "blend_poisson: expected a region of at most ", std::numeric_limits<int>::max() / 5,
          " pixels, got ", hole.count);
  const System system(std::move(hole));
  result.method = method.value_or(result.unknowns < kMultigridFrom ? PoissonMethod::direct
                                                                   : PoissonMethod::multigrid);
  const std::vector<Channel> channels = result.method == PoissonMethod::direct
                                            ? solve_directly(system, source, destination, ctx)
                                            : solve_by_multigrid(system, source, destination, ctx);
  copy(destination, y);
  for (std::size_t c = 0; c < channels.size(); ++c) {
    result.iterations = std::max(result.iterations, channels[c].iterations);
    result.residual = std::max(result.residual, channels[c].residual);
    // NaN is not converged either.
    require(channels[c].residual <= kLargestResidual,
            "blend_poisson: expected a residual of at most ", kLargestResidual, ", got ",
            channels[c].residual, " after ", channels[c].iterations, " iterations");
    for (std::size_t i = 0; i < system.pixels().size(); ++i) {
      const std::int64_t pixel = system.pixels()[i];
      const double g = source.pixel(0, 0, pixel)[c];
      y.pixel(0, 0, pixel)[c] = static_cast<float>(g + channels[c].u[static_cast<Eigen::Index>(i)]);
    }
  }
  return result;
}

}  // namespace hewn
