#include "hewn/models/tasks/inpainting/multigrid.h"

#include <algorithm>
#include <utility>

#include <Eigen/SparseCholesky>

namespace hewn {

namespace {

using Eigen::VectorXd;

/// A factorisation of so many unknowns takes a millisecond.
constexpr Eigen::Index kCoarsest = 1000;

/// Side of an aggregate: what one smoothing of the prolongation reaches over.
constexpr int kAggregate = 3;

/// The aggregate of each unknown, numbered as they come, and where the aggregates are.
struct Aggregation {
  std::vector<int> of;
  std::vector<GridPlace> places;
};

Aggregation aggregate(const std::vector<GridPlace>& places) {
  int width = 0;
  int height = 0;
  for (const GridPlace& place : places) {
    width = std::max(width, place.x / kAggregate + 1);
    height = std::max(height, place.y / kAggregate + 1);
  }
  std::vector<int> numbers(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), -1);
  Aggregation result;
  result.of.reserve(places.size());
  for (const GridPlace& place : places) {
    const GridPlace coarse{place.y / kAggregate, place.x / kAggregate};
    int& number = numbers[static_cast<std::size_t>(coarse.y) * static_cast<std::size_t>(width) +
                          static_cast<std::size_t>(coarse.x)];
    if (number < 0) {
      number = static_cast<int>(result.places.size());
      result.places.push_back(coarse);
    }
    result.of.push_back(number);
  }
  return result;
}

/// (1 − ω D⁻¹ A) applied to the aggregates' indicator functions, ω = 2/3: 4/3 over the largest
/// eigenvalue of D⁻¹ A, which for a Laplacian is below 2.
SparseMatrix smoothed_prolongation(const SparseMatrix& a, const Aggregation& aggregates) {
  const auto coarse = static_cast<Eigen::Index>(aggregates.places.size());
  SparseMatrix indicator(a.rows(), coarse);
  indicator.reserve(a.rows());
  for (Eigen::Index i = 0; i < a.rows(); ++i) {
    indicator.startVec(i);
    indicator.insertBack(i, aggregates.of[static_cast<std::size_t>(i)]) = 1;
  }
  indicator.finalize();
  const VectorXd scale = a.diagonal().cwiseInverse() * (2.0 / 3.0);
  const SparseMatrix product = a * indicator;
  return indicator - scale.asDiagonal() * product;
}

}  // namespace

struct Multigrid::Level {
  SparseMatrix a;
  SparseMatrix prolongation;  // from the coarser level
  std::unique_ptr<const Level> coarser;
  Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> factors;  // on the coarsest level alone

  Level(SparseMatrix&& matrix, const std::vector<GridPlace>& places) {
    a.swap(matrix);  // Eigen 3.4 copies where it is asked to move
    if (a.rows() <= kCoarsest) {
      factors.compute(a);
      return;
    }
    const Aggregation aggregates = aggregate(places);
    prolongation = smoothed_prolongation(a, aggregates);
    const SparseMatrix product = a * prolongation;
    SparseMatrix coarse = prolongation.transpose() * product;
    coarser = std::make_unique<const Level>(std::move(coarse), aggregates.places);
  }

  VectorXd cycle(const VectorXd& r) const {
    if (!coarser) return factors.solve(r);
    VectorXd x = r;
    a.triangularView<Eigen::Lower>().solveInPlace(x);
    VectorXd rest = r;
    rest.noalias() -= a * x;
    const VectorXd coarse = prolongation.transpose() * rest;
    x.noalias() += prolongation * coarser->cycle(coarse);
    rest = r;
    rest.noalias() -= a * x;
    a.triangularView<Eigen::Upper>().solveInPlace(rest);
    return x + rest;
  }
};

Multigrid::Multigrid(SparseMatrix a, const std::vector<GridPlace>& places)
    : finest_(std::make_unique<const Level>(std::move(a), places)) {}

Multigrid::~Multigrid() = default;

const SparseMatrix& Multigrid::matrix() const { return finest_->a; }

VectorXd Multigrid::approximate_solution(const VectorXd& r) const { return finest_->cycle(r); }

Multigrid::Solution Multigrid::solve(const VectorXd& b, double tolerance,
                                     std::int64_t max_iterations) const {
  Solution solution{VectorXd::Zero(b.size())};
  VectorXd residual = b;
  VectorXd direction;
  double previous = 0;
  const double target = tolerance * b.norm();
  while (residual.norm() > target && solution.iterations < max_iterations) {
    const VectorXd z = approximate_solution(residual);
    const double now = residual.dot(z);
    if (solution.iterations == 0) {
      direction = z;
    } else {
      direction = z + (now / previous) * direction;
    }
    previous = now;
    const VectorXd product = matrix() * direction;
    const double step = now / direction.dot(product);
    solution.x += step * direction;
    residual -= step * product;
    ++solution.iterations;
  }
  return solution;
}

}  // namespace hewn
