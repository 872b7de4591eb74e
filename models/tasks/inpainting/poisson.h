// Seamless blending: the gradients of one picture inside another.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <optional>

namespace hewn {

/// How the equations are solved.
enum class PoissonMethod {
  none,      ///< nothing to solve: the region is empty, or the whole picture
  direct,    ///< sparse Cholesky factorisation
  multigrid  ///< conjugate gradients, preconditioned by multigrid
};

/// How a blending went.
struct PoissonSolution {
  std::int64_t unknowns = 0;  ///< pixels of the region
  PoissonMethod method = PoissonMethod::none;
  std::int64_t iterations = 0;  ///< of conjugate gradients, the most over the channels
  /// |A u − b| / |b|, the largest over the channels, in double, before y is rounded to float.
  double residual = 0;
};

/// Pérez, Gangnet and Blake, "Poisson image editing", 2003, equation 7, importing gradients: y is
/// the destination outside of the region, to the bit; inside it, it is the function f whose
/// differences are as nearly those of the source g as the destination's values at the border let
/// them: for each pixel p of the region
///
///     Σ (f_p − f_q) = Σ (g_p − g_q)    over the neighbours q of p, at most four, in the picture,
///
/// with f_q the destination where q is not in the region. Beyond the picture's border there is
/// nothing, so that there the differences across are free (a natural boundary condition). Solved
/// for the difference u = f − g, whose equations are homogeneous but for the region's border. Not
/// clamped. A region that is the whole picture has no border: y is the source.
///
/// source, destination and y: {1, h, w, c}, c ≥ 1; region: {1, h, w, 1}, 1 inside and 0 elsewhere;
/// none may overlap y. The source is read in the region and beside it, the destination everywhere
/// else; they must be finite there.
///
/// `method` pins one, for tests; otherwise it follows from the number of unknowns (README.md beside
/// this file has the crossover). Channels are solved side by side on the threads of ctx; the bits
/// depend on neither threads nor machine. Time and memory are about proportional to the region.
/// Throws Error for other shapes and masks, and when the residual is above 1e-9.
PoissonSolution blend_poisson(ConstView source, ConstView destination, ConstView region, View y,
                              Context& ctx, std::optional<PoissonMethod> method = std::nullopt);

}  // namespace hewn
