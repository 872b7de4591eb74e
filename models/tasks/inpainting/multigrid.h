// A solver for the large sparse systems of poisson.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <Eigen/SparseCore>

namespace hewn {

/// Rows are contiguous, as the smoother reads them.
using SparseMatrix = Eigen::SparseMatrix<double, Eigen::RowMajor, int>;

/// Where an unknown is: its pixel.
struct GridPlace {
  int y;
  int x;
};

/// A hierarchy of ever smaller systems that approximates the inverse of a matrix: algebraic
/// multigrid by smoothed aggregation (Vaněk, Mandel and Brezina, "Algebraic multigrid by smoothed
/// aggregation for second and fourth order elliptic problems", 1996). The aggregates are the
/// unknowns in a square of 3 × 3 pixels, then of 3 × 3 such squares, and so on; the smoother is a
/// sweep of Gauss and Seidel forwards on the way down and backwards on the way up, so that the
/// approximation is symmetric and positive definite, as conjugate gradients need it.
class Multigrid {
 public:
  /// `a`: symmetric, positive definite, with rows that sum to zero but for those beside known
  /// pixels; `places`: one for each row, in the picture's row-major order.
  Multigrid(SparseMatrix a, const std::vector<GridPlace>& places);
  ~Multigrid();
  Multigrid(const Multigrid&) = delete;
  Multigrid& operator=(const Multigrid&) = delete;

  /// Approximately a⁻¹ r: one V-cycle. Thread-safe.
  Eigen::VectorXd approximate_solution(const Eigen::VectorXd& r) const;

  /// What solve() found, and in how many iterations.
  struct Solution {
    Eigen::VectorXd x;
    std::int64_t iterations = 0;
  };

  /// Solves a x = b by conjugate gradients, preconditioned with this, until |a x − b| as the
  /// iteration tracks it is at most `tolerance` × |b| or `max_iterations` have passed. Thread-safe.
  Solution solve(const Eigen::VectorXd& b, double tolerance, std::int64_t max_iterations) const;

  const SparseMatrix& matrix() const;  ///< what it was made of

 private:
  struct Level;

  std::unique_ptr<const Level> finest_;
};

}  // namespace hewn
